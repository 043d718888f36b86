package dev.octet.torch.op;

import static dev.octet.torch.op.Convolution.check;

import dev.octet.graph.Attribute;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The largest value or the mean of windows over the last one to three dimensions of {@code [N, C,
 * spatial...]}; as many as the kernel, or the output size, has numbers.
 */
public final class Pooling {
  private Pooling() {}

  /**
   * The largest value of each window.
   *
   * @param kernel sizes of the window
   * @param stride one for each dimension of the kernel, like the rest
   * @param padding how far windows may reach over each side; at most half the kernel
   * @param ceil whether a last window may reach over the end even further
   */
  public static Tensor maxPool(
      Tensor x, long[] kernel, long[] stride, long[] padding, long[] dilation, boolean ceil) {
    int dims = dims(x, kernel, "kernel");
    check("stride", stride, dims, 1);
    check("padding", padding, dims, 0);
    check("dilation", dilation, dims, 1);
    Tensor output =
        switch (dims) {
          case 1 -> torch.max_pool1d(x, kernel, stride, padding, dilation, ceil);
          case 2 -> torch.max_pool2d(x, kernel, stride, padding, dilation, ceil);
          default -> torch.max_pool3d(x, kernel, stride, padding, dilation, ceil);
        };
    return Nodes.track(
        output,
        nodes -> {
          long[] pads = pads(x, output, kernel, stride, padding, dilation);
          NodeSpec spec = window("MaxPool", kernel, stride);
          if (Arrays.stream(dilation).anyMatch(step -> step != 1)) {
            spec = spec.with("dilations", Attribute.IntList.of(dilation));
          }
          return nodes.add(
              spec.with("pads", Attribute.IntList.of(pads))
                  .reads(nodes.of(x, "the input of MaxPool")));
        });
  }

  /**
   * The mean of each window.
   *
   * @param kernel sizes of the window
   * @param stride one for each dimension of the kernel, like the rest
   * @param padding how far windows may reach over each side; at most half the kernel
   * @param ceil whether a last window may reach over the end even further
   * @param countPadding whether padding counts as zeros; else the mean is of what lies inside
   */
  public static Tensor avgPool(
      Tensor x, long[] kernel, long[] stride, long[] padding, boolean ceil, boolean countPadding) {
    int dims = dims(x, kernel, "kernel");
    check("stride", stride, dims, 1);
    check("padding", padding, dims, 0);
    try (Scope scope = Scope.open()) {
      LongOptional divisor = new LongOptional();
      Tensor output =
          switch (dims) {
            case 1 -> torch.avg_pool1d(x, kernel, stride, padding, ceil, countPadding);
            case 2 -> torch.avg_pool2d(x, kernel, stride, padding, ceil, countPadding, divisor);
            default -> torch.avg_pool3d(x, kernel, stride, padding, ceil, countPadding, divisor);
          };
      return scope.give(
          Nodes.track(
              output,
              nodes -> {
                long[] ones = new long[dims];
                Arrays.fill(ones, 1);
                long[] pads = pads(x, output, kernel, stride, padding, ones);
                long[] even = Arrays.copyOf(padding, 2 * dims);
                System.arraycopy(padding, 0, even, dims, dims);
                boolean counted = countPadding && Arrays.stream(padding).anyMatch(pad -> pad > 0);
                Value in = nodes.of(x, "the input of AveragePool");
                if (counted && !Arrays.equals(pads, even)) {
                  // What the last window reaches over further never counts: zeros that count first.
                  long[] zeros = new long[2 * (dims + 2)];
                  System.arraycopy(padding, 0, zeros, 2, dims);
                  System.arraycopy(padding, 0, zeros, dims + 4, dims);
                  in = nodes.add("Pad", in, nodes.longs(zeros));
                  for (int i = 0; i < pads.length; i++) {
                    pads[i] -= even[i];
                  }
                  counted = false;
                }
                return nodes.add(
                    window("AveragePool", kernel, stride)
                        .with("count_include_pad", counted ? 1 : 0)
                        .with("pads", Attribute.IntList.of(pads))
                        .reads(in));
              }));
    }
  }

  /**
   * The mean of as many windows as the output shall have: window i of n reaches from {@code ⌊i·size
   * / n⌋} to {@code ⌈(i + 1)·size / n⌉}.
   *
   * @param size of the output, each 1 or more
   * @throws TraceException if traced where the windows are not all of one size
   */
  public static Tensor adaptiveAvgPool(Tensor x, long... size) {
    Tensor output =
        switch (dims(x, size, "output size")) {
          case 1 -> torch.adaptive_avg_pool1d(x, size);
          case 2 -> torch.adaptive_avg_pool2d(x, size);
          default -> torch.adaptive_avg_pool3d(x, size);
        };
    return Nodes.track(
        output, nodes -> adaptive(nodes, "GlobalAveragePool", "AveragePool", x, size));
  }

  /** The largest value of the windows of {@link #adaptiveAvgPool}. */
  public static Tensor adaptiveMaxPool(Tensor x, long... size) {
    try (Scope scope = Scope.open()) {
      T_TensorTensor_T valuesAndIndices =
          switch (dims(x, size, "output size")) {
            case 1 -> torch.adaptive_max_pool1d(x, size);
            case 2 -> torch.adaptive_max_pool2d(x, size);
            default -> torch.adaptive_max_pool3d(x, size);
          };
      // A handle of its own: the pair's goes with the pair.
      Tensor output = new Tensor(valuesAndIndices.get0());
      return scope.give(
          Nodes.track(output, nodes -> adaptive(nodes, "GlobalMaxPool", "MaxPool", x, size)));
    }
  }

  private static Value adaptive(Nodes nodes, String global, String op, Tensor x, long[] size) {
    Value in = nodes.of(x, "the input of " + op);
    if (Arrays.stream(size).allMatch(each -> each == 1)) {
      return nodes.add(global, in);
    }
    long[] kernel = new long[size.length];
    for (int i = 0; i < size.length; i++) {
      long inner = x.size(2 + i);
      if (inner % size[i] != 0) {
        throw new TraceException(
            "adaptive pooling of "
                + Tensors.describe(x)
                + " to "
                + Arrays.toString(size)
                + " cannot be traced: its windows differ in size; use an output size that divides"
                + " the input's");
      }
      kernel[i] = inner / size[i];
    }
    return nodes.add(window(op, kernel, kernel).reads(in));
  }

  private static NodeSpec window(String op, long[] kernel, long[] stride) {
    return NodeSpec.of(op)
        .with("kernel_shape", Attribute.IntList.of(kernel))
        .with("strides", Attribute.IntList.of(stride));
  }

  /**
   * Padding with which rounding down gives the output's size: runtimes disagree about which windows
   * rounding up keeps.
   */
  private static long[] pads(
      Tensor x, Tensor output, long[] kernel, long[] stride, long[] padding, long[] dilation) {
    int dims = kernel.length;
    long[] pads = Arrays.copyOf(padding, 2 * dims);
    for (int i = 0; i < dims; i++) {
      long reach =
          (output.size(2 + i) - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1 - padding[i];
      pads[dims + i] = Math.max(padding[i], reach - x.size(2 + i));
    }
    return pads;
  }

  private static int dims(Tensor x, long[] values, String what) {
    int dims = values.length;
    if (dims < 1 || dims > 3) {
      throw new IllegalArgumentException(
          what + " is " + Arrays.toString(values) + ", not 1 to 3 numbers");
    }
    check(what, values, dims, 1);
    if (x.dim() != dims + 2) {
      throw new IllegalArgumentException(
          "pooling over "
              + dims
              + " dimensions takes "
              + (dims + 2)
              + " dimensions, not "
              + Tensors.describe(x));
    }
    return dims;
  }
}
