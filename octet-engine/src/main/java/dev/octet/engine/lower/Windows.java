package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Primitives.Window;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import java.util.Arrays;
import java.util.List;

/** ONNX's window attributes: kernel_shape, strides, dilations, pads, auto_pad, ceil_mode. */
final class Windows {
  private static final List<Long> NONE = List.of();

  private Windows() {}

  /**
   * Checks the operands of a convolution, or a transposed one.
   *
   * @throws UnsupportedNodeException if types, ranks or channels do not fit
   */
  static void check(Node node, Operand input, Operand weights, boolean transposed) {
    int rank = input.rank();
    if (input.type() != DataType.FLOAT || weights.type() != DataType.FLOAT) {
      throw new UnsupportedNodeException(
          node, "it works on FLOAT here, not " + input.type() + " and " + weights.type());
    }
    if (rank < 3 || rank > 5 || weights.rank() != rank) {
      throw new UnsupportedNodeException(
          node, "its input has " + rank + " dimensions and its weights " + weights.rank());
    }
    long groups = node.intAttribute("group", 1);
    long channels = input.dim(1);
    boolean fits =
        groups > 0
            && (transposed
                ? channels % groups == 0 && channels == weights.dim(0)
                : weights.dim(0) % groups == 0 && channels == weights.dim(1) * groups);
    if (!fits) {
      throw new UnsupportedNodeException(
          node,
          "its "
              + channels
              + " channels in "
              + groups
              + " groups do not fit weights of "
              + Arrays.toString(weights.dims()));
    }
  }

  /**
   * The window of {@code node} over an input of {@code dims} ({@code [N, C, spatial...]}), with the
   * padding that makes the output's size come out exactly as ONNX defines it.
   *
   * @param kernel the kernel's sizes where the node does not give them
   */
  static Window of(Node node, long[] dims, long[] kernel) {
    int spatial = dims.length - 2;
    long[] size = list(node, "kernel_shape", spatial, kernel);
    long[] strides = positive(node, "strides", spatial);
    long[] dilations = positive(node, "dilations", spatial);
    long[] pads = list(node, "pads", 2 * spatial, new long[2 * spatial]);
    long[] begin = new long[spatial];
    long[] end = new long[spatial];
    String auto = node.stringAttribute("auto_pad", "NOTSET");
    boolean ceil = node.intAttribute("ceil_mode", 0) != 0;
    for (int i = 0; i < spatial; i++) {
      long in = dims[i + 2];
      long reach = reach(node, size[i], dilations[i]);
      switch (auto) {
        case "SAME_UPPER", "SAME_LOWER" -> {
          long out = (in + strides[i] - 1) / strides[i];
          long total = Math.max(0, (out - 1) * strides[i] + reach - in);
          begin[i] = auto.equals("SAME_UPPER") ? total / 2 : total - total / 2;
          end[i] = total - begin[i];
        }
        case "VALID" -> {
          // No padding.
        }
        case "NOTSET", "" -> {
          begin[i] = pads[i];
          end[i] = pads[i + spatial];
        }
        default -> throw new UnsupportedNodeException(node, "auto_pad '" + auto + "' is unknown");
      }
      if (begin[i] < 0 || end[i] < 0) {
        throw new UnsupportedNodeException(node, "its padding is negative");
      }
      long free = in + begin[i] + end[i] - reach;
      if (free < 0) {
        throw new UnsupportedNodeException(
            node, "its window of " + reach + " does not fit its padded input");
      }
      long steps = ceil ? (free + strides[i] - 1) / strides[i] : free / strides[i];
      if (ceil && steps * strides[i] >= in + begin[i]) {
        steps--; // a window that starts in the padding behind the input is dropped
      }
      // oneDNN computes with 32 bits: what has no effect does not get to it. The padding at the end
      // may be negative, if by less than the stride.
      strides[i] = steps == 0 ? Math.min(strides[i], free + 1) : strides[i];
      dilations[i] = size[i] == 1 ? 1 : dilations[i];
      end[i] = steps * strides[i] + reach - in - begin[i];
    }
    return new Window(size, strides, dilations, begin, end);
  }

  /**
   * The output's dimensions of a ConvTranspose, but for the channels. Given sizes come before
   * computed ones, as in ONNX.
   */
  static long[] transposedDims(Node node, long[] dims, long[] weights) {
    int spatial = dims.length - 2;
    long[] wanted = node.intsAttribute("output_shape", NONE).stream().mapToLong(n -> n).toArray();
    if (wanted.length != 0 && wanted.length != spatial && wanted.length != dims.length) {
      throw new UnsupportedNodeException(
          node, "attribute 'output_shape' has " + wanted.length + " numbers, not " + spatial);
    }
    long[] strides = positive(node, "strides", spatial);
    long[] pads = list(node, "pads", 2 * spatial, new long[2 * spatial]);
    long[] full = full(node, dims, weights);
    String auto = node.stringAttribute("auto_pad", "NOTSET");
    long[] out = dims.clone();
    for (int i = 0; i < spatial; i++) {
      if (wanted.length > 0) {
        out[i + 2] = wanted[wanted.length - spatial + i];
      } else if (auto.startsWith("SAME")) {
        out[i + 2] = dims[i + 2] * strides[i];
      } else {
        out[i + 2] = full[i] - (auto.equals("VALID") ? 0 : pads[i] + pads[i + spatial]);
      }
      if (out[i + 2] < 1 || out[i + 2] > Integer.MAX_VALUE) {
        throw new UnsupportedNodeException(node, "its output's size is " + out[i + 2]);
      }
    }
    return out;
  }

  /** The window of a ConvTranspose: padding is what is cut off its result. */
  static Window transposed(Node node, long[] dims, long[] weights, long[] out) {
    int spatial = dims.length - 2;
    long[] size = Arrays.copyOfRange(weights, 2, weights.length);
    long[] strides = positive(node, "strides", spatial);
    long[] dilations = positive(node, "dilations", spatial);
    long[] pads = list(node, "pads", 2 * spatial, new long[2 * spatial]);
    long[] full = full(node, dims, weights);
    String auto = node.stringAttribute("auto_pad", "NOTSET");
    boolean given = node.intsAttribute("output_shape", NONE).isEmpty();
    long[] begin = new long[spatial];
    long[] end = new long[spatial];
    for (int i = 0; i < spatial; i++) {
      long total = Math.max(0, full[i] - out[i + 2]);
      if (!given || auto.startsWith("SAME")) {
        begin[i] = auto.equals("SAME_UPPER") ? total / 2 : total - total / 2;
      } else {
        begin[i] = auto.equals("VALID") ? 0 : pads[i];
      }
      long reach = reach(node, size[i], dilations[i]);
      end[i] = (dims[i + 2] - 1) * strides[i] + reach - begin[i] - out[i + 2];
      if (begin[i] < 0) {
        throw new UnsupportedNodeException(node, "its padding is negative");
      }
      if (-end[i] >= strides[i]) {
        throw new UnsupportedNodeException(
            node, "its output is larger than its weights reach by a stride or more");
      }
      dilations[i] = size[i] == 1 ? 1 : dilations[i];
    }
    return new Window(size, strides, dilations, begin, end);
  }

  /** The sizes of a ConvTranspose's result before anything is cut off. */
  private static long[] full(Node node, long[] dims, long[] weights) {
    int spatial = dims.length - 2;
    long[] size = list(node, "kernel_shape", spatial, Arrays.copyOfRange(weights, 2, dims.length));
    long[] strides = positive(node, "strides", spatial);
    long[] dilations = positive(node, "dilations", spatial);
    long[] more = list(node, "output_padding", spatial, new long[spatial]);
    long[] full = new long[spatial];
    for (int i = 0; i < spatial; i++) {
      if (size[i] != weights[i + 2]) {
        throw new UnsupportedNodeException(node, "its kernel_shape is not its weights'");
      }
      if (more[i] < 0) {
        throw new UnsupportedNodeException(node, "its output_padding is negative");
      }
      full[i] = (dims[i + 2] - 1) * strides[i] + reach(node, size[i], dilations[i]) + more[i];
    }
    return full;
  }

  private static long reach(Node node, long size, long dilation) {
    if (size < 1) {
      throw new UnsupportedNodeException(node, "its kernel's size is " + size);
    }
    return (size - 1) * dilation + 1;
  }

  /** The spatial sizes of the output. */
  static long[] outputDims(Window window, long[] dims, long channels) {
    long[] out = new long[dims.length];
    out[0] = dims[0];
    out[1] = channels;
    for (int i = 0; i + 2 < dims.length; i++) {
      long reach = (window.kernel()[i] - 1) * window.dilations()[i] + 1;
      out[i + 2] =
          (dims[i + 2] + window.padBegin()[i] + window.padEnd()[i] - reach) / window.strides()[i]
              + 1;
    }
    return out;
  }

  private static long[] positive(Node node, String attribute, int length) {
    long[] ones = new long[length];
    Arrays.fill(ones, 1);
    long[] numbers = list(node, attribute, length, ones);
    if (Arrays.stream(numbers).anyMatch(n -> n < 1)) {
      throw new UnsupportedNodeException(
          node, "attribute '" + attribute + "' is not positive: " + Arrays.toString(numbers));
    }
    return numbers;
  }

  /** Numbers of 32 bits, so that no product of two overflows; the caller's own to change. */
  private static long[] list(Node node, String attribute, int length, long[] otherwise) {
    List<Long> given = node.intsAttribute(attribute, NONE);
    if (given.isEmpty()) {
      return otherwise.clone();
    }
    if (given.size() != length) {
      throw new UnsupportedNodeException(
          node, "attribute '" + attribute + "' has " + given.size() + " numbers, not " + length);
    }
    for (long number : given) {
      if (number != (int) number) {
        throw new UnsupportedNodeException(
            node, "attribute '" + attribute + "' has " + number + ", which is beyond 32 bits");
      }
    }
    return given.stream().mapToLong(Long::longValue).toArray();
  }
}
