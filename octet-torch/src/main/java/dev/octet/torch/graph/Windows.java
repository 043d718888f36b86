package dev.octet.torch.graph;

import dev.octet.torch.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Where the windows of a convolution or a pooling lie, axis by axis. */
final class Windows {
  /** Extents. */
  final long[] kernel;

  /** Steps. */
  final long[] stride;

  /** Distances of a window's elements. */
  final long[] dilation;

  /** Padding before the first element; negative where elements are cut off. */
  final long[] begin;

  /** Padding after the last. */
  final long[] end;

  private Windows(long[] kernel, long[] stride, long[] dilation, long[] begin, long[] end) {
    this.kernel = kernel;
    this.stride = stride;
    this.dilation = dilation;
    this.begin = begin;
    this.end = end;
  }

  /**
   * The windows of a node over the spatial axes of {@code input}, {@code [N, C, ...]}: attributes
   * strides, dilations, pads and auto_pad of the ONNX operators.
   */
  static Windows of(Call c, Tensor input, long[] kernel) {
    long[] shape = Tensors.shape(input);
    int axes = kernel.length;
    if (shape.length != axes + 2) {
      throw new IllegalArgumentException(
          "the input " + Tensors.describe(input) + " has not " + axes + " spatial axes");
    }
    long[] stride = perAxis(c, "strides", axes);
    long[] dilation = perAxis(c, "dilations", axes);
    long[] begin = new long[axes];
    long[] end = new long[axes];
    String auto = c.text("auto_pad", "NOTSET");
    long[] pads = c.integers("pads");
    if (auto.startsWith("SAME")) {
      for (int i = 0; i < axes; i++) {
        long size = shape[i + 2];
        long out = divideUp(size, stride[i]);
        long total = Math.max(0, (out - 1) * stride[i] + span(kernel[i], dilation[i]) - size);
        begin[i] = auto.equals("SAME_UPPER") ? total / 2 : total - total / 2;
        end[i] = total - begin[i];
      }
    } else if (pads != null && !auto.equals("VALID")) {
      if (pads.length != 2 * axes) {
        throw new IllegalArgumentException(pads.length + " pads for " + axes + " axes");
      }
      begin = Arrays.copyOf(pads, axes);
      end = Arrays.copyOfRange(pads, axes, 2 * axes);
    }
    return new Windows(kernel, stride, dilation, begin, end);
  }

  static long[] perAxis(Call c, String attribute, int axes) {
    long[] given = c.integers(attribute);
    if (given == null) {
      given = new long[axes];
      Arrays.fill(given, 1);
    }
    if (given.length != axes) {
      throw new IllegalArgumentException(given.length + " " + attribute + " for " + axes + " axes");
    }
    for (long step : given) {
      if (step < 1) {
        throw new IllegalArgumentException(attribute + " " + Arrays.toString(given) + " below 1");
      }
    }
    return given;
  }

  /** Rounded up. */
  static long divideUp(long a, long b) {
    return -Math.floorDiv(-a, b);
  }

  static long span(long kernel, long dilation) {
    return (kernel - 1) * dilation + 1;
  }

  boolean symmetric() {
    return Arrays.equals(begin, end) && Arrays.stream(begin).allMatch(pad -> pad >= 0);
  }

  /** The same without padding, which the input has got already. */
  Windows unpadded() {
    return new Windows(kernel, stride, dilation, new long[begin.length], new long[end.length]);
  }

  /** {@code input} with the padding, or without what negative padding cuts off. */
  Tensor padded(Tensor input, double value) {
    return pad(input, begin, end, value);
  }

  static Tensor pad(Tensor input, long[] begin, long[] end, double value) {
    long[] lastFirst = new long[2 * begin.length];
    for (int i = 0; i < begin.length; i++) {
      int from = begin.length - 1 - i;
      lastFirst[2 * i] = begin[from];
      lastFirst[2 * i + 1] = end[from];
    }
    return Arrays.stream(lastFirst).allMatch(pad -> pad == 0)
        ? input
        : torch.constant_pad_nd(input, lastFirst, new Scalar(value));
  }
}
