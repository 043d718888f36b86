package dev.octet.torch.script;

import dev.octet.graph.Attribute;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** Pooling and resizing. */
final class PoolOperators {

  private PoolOperators() {}

  static void register(Map<String, Operators.Rule> rules) {
    for (int i = 1; i <= 3; i++) {
      int spatial = i;
      rules.put("max_pool" + i + "d", c -> maxPool(c, spatial));
      rules.put(
          "max_pool" + i + "d_with_indices",
          c -> {
            maxPool(c, spatial);
            c.withhold(1); // PyTorch counts within a channel, ONNX within the tensor
          });
      rules.put("avg_pool" + i + "d", c -> averagePool(c, spatial));
      rules.put("adaptive_avg_pool" + i + "d", c -> adaptiveAverage(c, spatial));
      rules.put(
          "adaptive_max_pool" + i + "d",
          c -> {
            adaptiveMax(c, spatial);
            c.withhold(1);
          });
      rules.put("upsample_nearest" + i + "d", c -> resize(c, spatial, "nearest", -1));
      rules.put("_upsample_nearest_exact" + i + "d", c -> resize(c, spatial, "exact", -1));
    }
    rules.put("upsample_linear1d", c -> resize(c, 1, "linear", 2));
    rules.put("upsample_bilinear2d", c -> resize(c, 2, "linear", 2));
    rules.put("upsample_trilinear3d", c -> resize(c, 3, "linear", 2));
    rules.put("upsample_bicubic2d", c -> resize(c, 2, "cubic", 2));
  }

  /**
   * Padding at both ends that gives the sizes LibTorch computed without ONNX's own rounding up:
   * there PyTorch drops a window that begins in the padding, and ONNX does not.
   */
  private static long[] pads(
      Call c, int spatial, long[] kernel, long[] stride, long[] padding, long[] dilation) {
    long[] pads = new long[2 * spatial];
    for (int i = 0; i < spatial; i++) {
      long in = c.tensor(0).size(i - spatial);
      long out = c.out().size(i - spatial);
      long reach = (out - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1;
      pads[i] = padding[i];
      pads[i + spatial] = Math.max(padding[i], reach - in - padding[i]);
    }
    return pads;
  }

  private static long[] stride(Call c, int spatial, long[] kernel) {
    boolean given = c.has(2) && c.integers(2).length > 0;
    return given ? c.integers(2, spatial) : kernel;
  }

  private static void maxPool(Call c, int spatial) {
    long[] kernel = c.integers(1, spatial);
    long[] stride = stride(c, spatial, kernel);
    long[] dilation = c.has(4) ? c.integers(4, spatial) : ones(spatial);
    long[] padding = c.has(3) ? c.integers(3, spatial) : new long[spatial];
    NodeSpec spec =
        NodeSpec.of("MaxPool")
            .with("kernel_shape", Attribute.IntList.of(kernel))
            .with("strides", Attribute.IntList.of(stride))
            .with("pads", ints(pads(c, spatial, kernel, stride, padding, dilation)));
    if (Arrays.stream(dilation).anyMatch(d -> d != 1)) {
      spec = spec.with("dilations", Attribute.IntList.of(dilation));
    }
    pooled(c, spatial, spec);
  }

  private static void averagePool(Call c, int spatial) {
    long[] kernel = c.integers(1, spatial);
    long[] stride = stride(c, spatial, kernel);
    long[] padding = c.has(3) ? c.integers(3, spatial) : new long[spatial];
    long[] pads = pads(c, spatial, kernel, stride, padding, ones(spatial));
    boolean padded = Arrays.stream(padding).anyMatch(p -> p > 0);
    boolean uneven = false;
    for (int i = 0; i < spatial; i++) {
      uneven |= pads[i + spatial] > padding[i];
    }
    // PyTorch never counts what rounding up adds.
    boolean countPadding = padded && c.flag(5, true);
    boolean divisor = c.size() > 6 && c.has(6);
    if (uneven && (countPadding || divisor)) {
      throw c.refuse("rounds its size up and counts padding, which ONNX cannot tell apart");
    }
    NodeSpec spec =
        NodeSpec.of("AveragePool")
            .with("kernel_shape", Attribute.IntList.of(kernel))
            .with("strides", Attribute.IntList.of(stride))
            .with("pads", ints(pads))
            .with("count_include_pad", countPadding || divisor ? 1 : 0);
    pooled(c, spatial, spec);
    if (divisor) {
      double window = Arrays.stream(kernel).reduce(1, (a, b) -> a * b);
      Value mean = c.emit().value(c.out());
      c.returns(c.node("Mul", mean, c.scalar(window / c.integer(6))));
    }
  }

  private static Attribute ints(long[] values) {
    return Attribute.IntList.of(values);
  }

  private static long[] ones(int count) {
    return LongStream.generate(() -> 1).limit(count).toArray();
  }

  /** PyTorch also takes an input without the batch dimension. */
  private static void pooled(Call c, int spatial, NodeSpec spec) {
    boolean batched = c.tensor(0).rank() == spatial + 2;
    Value x = batched ? c.in(0) : c.node("Unsqueeze", c.in(0), c.emit().longs(0));
    Value y = c.node(spec.reads(x));
    c.returns(batched ? y : c.node("Squeeze", y, c.emit().longs(0)));
  }

  /** Kernel and stride that do what an adaptive pooling does; null if its windows differ. */
  private static long @org.jspecify.annotations.Nullable [] evenWindows(Call c, int spatial) {
    long[] window = new long[spatial];
    for (int i = 0; i < spatial; i++) {
      long in = c.tensor(0).size(i - spatial);
      long out = c.out().size(i - spatial);
      if (in % out != 0) {
        return null;
      }
      window[i] = in / out;
    }
    return window;
  }

  private static boolean isGlobal(Call c, int spatial) {
    for (int i = 0; i < spatial; i++) {
      if (c.out().size(i - spatial) != 1) {
        return false;
      }
    }
    return true;
  }

  private static NodeSpec even(String op, long[] window) {
    return NodeSpec.of(op)
        .with("kernel_shape", Attribute.IntList.of(window))
        .with("strides", Attribute.IntList.of(window));
  }

  private static void adaptiveAverage(Call c, int spatial) {
    long[] window = evenWindows(c, spatial);
    if (window != null) {
      pooled(
          c,
          spatial,
          isGlobal(c, spatial) ? NodeSpec.of("GlobalAveragePool") : even("AveragePool", window));
      return;
    }
    // Windows of different sizes: one matrix of weights for each dimension.
    Value x = c.in(0);
    int rank = c.tensor(0).rank();
    for (int axis = rank - spatial; axis < rank; axis++) {
      int in = (int) c.tensor(0).size(axis);
      int out = (int) c.out().size(axis);
      if (in == out) {
        continue;
      }
      long[] swapped = LongStream.range(0, rank).toArray();
      swapped[axis] = rank - 1;
      swapped[rank - 1] = axis;
      Value weights =
          c.emit()
              .cast(
                  c.emit().constant(Tensor.ofFloats(windows(in, out), in, out)),
                  dev.octet.graph.DataType.FLOAT,
                  c.out().type());
      x = c.transpose(c.node("MatMul", c.transpose(x, swapped), weights), swapped);
    }
    c.returns(x);
  }

  /** Column j averages from floor(j in/out) to ceil((j+1) in/out), as PyTorch does. */
  private static float[] windows(int in, int out) {
    float[] weights = new float[in * out];
    for (int j = 0; j < out; j++) {
      int from = (int) ((long) j * in / out);
      int to = (int) (((long) (j + 1) * in + out - 1) / out);
      for (int i = from; i < to; i++) {
        weights[i * out + j] = 1f / (to - from);
      }
    }
    return weights;
  }

  private static void adaptiveMax(Call c, int spatial) {
    long[] window = evenWindows(c, spatial);
    if (window == null) {
      throw c.refuse("has windows of different sizes for inputs of this shape");
    }
    pooled(
        c, spatial, isGlobal(c, spatial) ? NodeSpec.of("GlobalMaxPool") : even("MaxPool", window));
  }

  /**
   * Resizing. Called as (x, size, [corners,] scale...) or (x, size?, [corners,] scales?); a scale
   * counts where it is given, for the positions it means are not those of the sizes' ratio.
   */
  private static void resize(Call c, int spatial, String mode, int corners) {
    boolean align = corners >= 0 && c.flag(corners);
    int first = corners >= 0 ? corners + 1 : 2;
    float[] scales = new float[spatial + 2];
    Arrays.fill(scales, 1);
    boolean scaled = true;
    for (int i = 0; i < spatial; i++) {
      Object given = c.argument(c.isList(first) ? first : first + i);
      Object scale = given instanceof List<?> list ? list.get(i) : given;
      scaled &= scale instanceof Double;
      scales[i + 2] = scale instanceof Double number ? number.floatValue() : 1;
    }
    String position =
        align ? "align_corners" : mode.equals("nearest") ? "asymmetric" : "half_pixel";
    NodeSpec spec =
        NodeSpec.of("Resize")
            .with("coordinate_transformation_mode", new Attribute.StringValue(position))
            .with("mode", new Attribute.StringValue(mode.equals("exact") ? "nearest" : mode));
    if (mode.equals("nearest") || mode.equals("exact")) {
      String rounding = mode.equals("exact") ? "round_prefer_ceil" : "floor";
      spec = spec.with("nearest_mode", new Attribute.StringValue(rounding));
    }
    if (mode.equals("cubic")) {
      spec = spec.with("cubic_coeff_a", new Attribute.FloatValue(-0.75f));
    }
    Value factors = c.emit().constant(Tensor.ofFloats(scales, scales.length));
    c.returns(
        c.node(
            scaled && !align
                ? spec.reads(c.in(0), null, factors)
                : spec.reads(c.in(0), null, null, c.emit().longs(c.out().sizes()))));
  }
}
