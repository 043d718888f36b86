package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Primitives.Window;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.Node;
import java.util.List;

/** ONNX's window attributes: kernel_shape, strides, dilations, pads, auto_pad, ceil_mode. */
final class Windows {
  private static final List<Long> NONE = List.of();

  private Windows() {}

  /**
   * The window of {@code node} over an input of {@code dims} ({@code [N, C, spatial...]}), with the
   * padding that makes the output's size come out exactly as ONNX defines it.
   *
   * @param kernel the kernel's sizes where the node does not give them
   */
  static Window of(Node node, long[] dims, long[] kernel) {
    int spatial = dims.length - 2;
    long[] size = list(node, "kernel_shape", spatial, kernel);
    long[] strides = list(node, "strides", spatial, filled(spatial, 1));
    long[] dilations = list(node, "dilations", spatial, filled(spatial, 1));
    long[] pads = list(node, "pads", 2 * spatial, new long[2 * spatial]);
    long[] begin = new long[spatial];
    long[] end = new long[spatial];
    String auto = node.stringAttribute("auto_pad", "NOTSET");
    boolean ceil = node.intAttribute("ceil_mode", 0) != 0;
    for (int i = 0; i < spatial; i++) {
      if (size[i] < 1 || strides[i] < 1 || dilations[i] < 1) {
        throw new UnsupportedNodeException(
            node, "its kernel, strides and dilations are not all positive");
      }
      long in = dims[i + 2];
      long reach = (size[i] - 1) * dilations[i] + 1;
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
      end[i] = steps * strides[i] + reach - in - begin[i];
    }
    return new Window(size, strides, dilations, begin, end);
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

  private static long[] list(Node node, String attribute, int length, long[] otherwise) {
    List<Long> given = node.intsAttribute(attribute, NONE);
    if (given.isEmpty()) {
      return otherwise;
    }
    if (given.size() != length) {
      throw new UnsupportedNodeException(
          node, "attribute '" + attribute + "' has " + given.size() + " numbers, not " + length);
    }
    return given.stream().mapToLong(Long::longValue).toArray();
  }

  private static long[] filled(int length, long value) {
    long[] result = new long[length];
    java.util.Arrays.fill(result, value);
    return result;
  }
}
