package dev.octet.torch.graph;

import static java.util.Map.entry;

import dev.octet.torch.Tensors;
import java.util.Arrays;
import java.util.Map;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Maxima and means over windows. */
final class Pooling {
  static final Map<String, Kernel> KERNELS =
      Map.<String, Kernel>ofEntries(
          entry("MaxPool", Kernel.of(Pooling::max)),
          entry("AveragePool", Kernel.of(Pooling::average)),
          entry("GlobalMaxPool", Kernel.of(c -> torch.amax(c.in(0), spatial(c), true))),
          entry("GlobalAveragePool", Kernel.of(c -> c.in(0).mean(spatial(c), true, none()))),
          entry("LRN", Kernel.of(Pooling::acrossChannels)));

  private Pooling() {}

  static org.bytedeco.pytorch.ScalarTypeOptional none() {
    return new org.bytedeco.pytorch.ScalarTypeOptional();
  }

  private static long[] spatial(Call c) {
    long[] axes = new long[Math.max(0, Tensors.shape(c.in(0)).length - 2)];
    Arrays.setAll(axes, i -> i + 2);
    return axes;
  }

  private static Windows windows(Call c) {
    long[] kernel = c.integers("kernel_shape");
    if (kernel == null || kernel.length == 0 || kernel.length > 3) {
      throw new IllegalArgumentException("kernel_shape must have 1 to 3 axes");
    }
    return Windows.of(c, c.in(0), kernel);
  }

  private static Tensor max(Call c) {
    Windows w = windows(c);
    boolean ceil = c.integer("ceil_mode", 0) != 0;
    if (direct(w)) {
      return max(c.in(0), w, ceil);
    }
    Tensor padded = toWholeWindows(c.in(0), w, ceil, Double.NEGATIVE_INFINITY);
    return max(padded, w.unpadded(), false);
  }

  private static Tensor max(Tensor x, Windows w, boolean ceil) {
    return switch (w.kernel.length) {
      case 1 -> torch.max_pool1d(x, w.kernel, w.stride, w.begin, w.dilation, ceil);
      case 2 -> torch.max_pool2d(x, w.kernel, w.stride, w.begin, w.dilation, ceil);
      default -> torch.max_pool3d(x, w.kernel, w.stride, w.begin, w.dilation, ceil);
    };
  }

  /** Means of what lies in a window; counted with the padding if count_include_pad says so. */
  private static Tensor average(Call c) {
    Tensor x = c.in(0);
    Windows w = windows(c);
    boolean ceil = c.integer("ceil_mode", 0) != 0;
    boolean countPadding = c.integer("count_include_pad", 0) != 0;
    if (direct(w)) {
      return average(x, w, ceil, countPadding);
    }
    Tensor counted = torch.ones_like(x.detach());
    if (countPadding) {
      counted = Windows.pad(counted, w.begin, w.end, 1);
      counted = toWholeWindows(counted, w.unpadded(), ceil, 0);
    } else {
      counted = toWholeWindows(counted, w, ceil, 0);
    }
    Windows plain = w.unpadded();
    return average(toWholeWindows(x, w, ceil, 0), plain, false, true)
        .div(average(counted, plain, false, true));
  }

  private static Tensor average(Tensor x, Windows w, boolean ceil, boolean countPadding) {
    return switch (w.kernel.length) {
      case 1 -> torch.avg_pool1d(x, w.kernel, w.stride, w.begin, ceil, countPadding);
      case 2 ->
          torch.avg_pool2d(x, w.kernel, w.stride, w.begin, ceil, countPadding, new LongOptional());
      default ->
          torch.avg_pool3d(x, w.kernel, w.stride, w.begin, ceil, countPadding, new LongOptional());
    };
  }

  /** LibTorch pads both sides alike, by at most half a window. */
  private static boolean direct(Windows w) {
    for (int i = 0; i < w.kernel.length; i++) {
      if (2 * w.begin[i] > w.kernel[i]) {
        return false;
      }
    }
    return w.symmetric();
  }

  /** Pads so far that windows fill what they start in; a last one must start on the input. */
  private static Tensor toWholeWindows(Tensor x, Windows w, boolean ceil, double value) {
    long[] shape = Tensors.shape(x);
    long[] end = new long[w.kernel.length];
    for (int i = 0; i < end.length; i++) {
      long size = shape[i + 2];
      long stride = w.stride[i];
      long span = Windows.span(w.kernel[i], w.dilation[i]);
      long rest = size + w.begin[i] + w.end[i] - span;
      long out = (ceil ? Windows.divideUp(rest, stride) : Math.floorDiv(rest, stride)) + 1;
      if (ceil && (out - 1) * stride >= size + w.begin[i]) {
        out--;
      }
      end[i] = (out - 1) * stride + span - size - w.begin[i];
    }
    return Windows.pad(x, w.begin, end, value);
  }

  /** Local response normalization (Krizhevsky et al. 2012, section 3.3). */
  private static Tensor acrossChannels(Call c) {
    Tensor x = c.in(0);
    long[] shape = Tensors.shape(x);
    long size = c.integer("size", 1);
    long[] flat = {shape[0], 1, shape[1], -1};
    long before = (size - 1) / 2;
    Tensor squares =
        Windows.pad(
            x.square().reshape(flat), new long[] {before, 0}, new long[] {size - 1 - before, 0}, 0);
    Tensor means =
        torch
            .avg_pool2d(
                squares,
                new long[] {size, 1},
                new long[] {1, 1},
                new long[] {0, 0},
                false,
                true,
                new LongOptional())
            .reshape(shape);
    Tensor divisor =
        means
            .mul(new Scalar(c.real("alpha", 1e-4)))
            .add(new Scalar(c.real("bias", 1)))
            .pow(new Scalar(c.real("beta", 0.75)));
    return x.div(divisor);
  }
}
