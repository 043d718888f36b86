package dev.octet.torch.graph;

import static java.util.Map.entry;

import dev.octet.torch.Tensors;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;

/**
 * Resize and Upsample, axis by axis as the ONNX specification defines them: each output element is
 * a weighted sum of input elements along the axis, so an axis is a product with a matrix.
 */
final class Resizing {
  static final Map<String, Kernel> KERNELS =
      Map.<String, Kernel>ofEntries(
          entry("Resize", Kernel.of(Resizing::resize)),
          entry("Upsample", Kernel.of(Resizing::upsample)));

  /** How one axis is resized. */
  private record Axis(Call c, long from, long to, double scale) {
    double position(long i) {
      String way =
          c.node().op().equals("Upsample") || c.opset() < 11
              ? "asymmetric"
              : c.text("coordinate_transformation_mode", "half_pixel");
      return switch (way) {
        case "half_pixel" -> (i + 0.5) / scale - 0.5;
        case "half_pixel_symmetric" -> {
          double adjustment = to / (scale * from);
          double centre = from / 2.0;
          yield centre * (1 - adjustment) + (i + 0.5) / scale - 0.5;
        }
        case "pytorch_half_pixel" -> to > 1 ? (i + 0.5) / scale - 0.5 : 0;
        case "align_corners" -> to > 1 ? i * (from - 1.0) / (to - 1.0) : 0;
        case "asymmetric" -> i / scale;
        default ->
            throw new IllegalArgumentException(
                "coordinate_transformation_mode '" + way + "' is not known");
      };
    }

    long nearest(long i) {
      double at = position(i);
      String way =
          c.node().op().equals("Upsample") || c.opset() < 11
              ? "floor"
              : c.text("nearest_mode", "round_prefer_floor");
      double picked =
          switch (way) {
            case "round_prefer_floor" -> Math.ceil(at - 0.5);
            case "round_prefer_ceil" -> Math.floor(at + 0.5);
            case "floor" -> Math.floor(at);
            case "ceil" -> Math.ceil(at);
            default ->
                throw new IllegalArgumentException("nearest_mode '" + way + "' is not known");
          };
      return (long) Math.max(0, Math.min(from - 1.0, picked));
    }
  }

  private Resizing() {}

  private static Tensor resize(Call c) {
    if (c.opset() < 11) {
      return resize(c, scales(c, 1), new long[0]);
    }
    return resize(c, c.has(2) ? scales(c, 2) : new double[0], c.has(3) ? c.longs(3) : new long[0]);
  }

  private static Tensor upsample(Call c) {
    if (c.has(1)) {
      return resize(c, scales(c, 1), new long[0]);
    }
    var given =
        c.node().attribute("scales") instanceof dev.octet.graph.Attribute.FloatList list
            ? list.values()
            : java.util.List.<Float>of();
    return resize(c, given.stream().mapToDouble(Float::doubleValue).toArray(), new long[0]);
  }

  private static double[] scales(Call c, int input) {
    float[] given = Tensors.toFloats(c.in(input));
    return java.util.stream.IntStream.range(0, given.length).mapToDouble(i -> given[i]).toArray();
  }

  private static Tensor resize(Call c, double[] scales, long[] sizes) {
    Tensor x = c.in(0);
    long[] shape = Tensors.shape(x);
    long[] axes = c.integers("axes");
    if (axes == null) {
      axes = LongStream.range(0, shape.length).toArray();
    }
    boolean bySize = sizes.length > 0;
    int given = bySize ? sizes.length : scales.length;
    if (given != axes.length) {
      throw new IllegalArgumentException(
          given + " sizes or scales are given for " + axes.length + " axes");
    }
    for (int i = 0; i < axes.length; i++) {
      int axis = Call.axis(axes[i], shape.length);
      long from = shape[axis];
      long to = bySize ? sizes[i] : (long) Math.floor(from * scales[i]);
      double scale = bySize ? (double) to / from : scales[i];
      if (to < 0 || !(scale > 0) || from < 1) {
        throw new IllegalArgumentException(
            "axis " + axis + " of " + Arrays.toString(shape) + " cannot get size " + to);
      }
      if (to != from || scale != 1) {
        x = along(x, axis, new Axis(c, from, to, scale));
      }
    }
    return x;
  }

  private static Tensor along(Tensor x, int axis, Axis a) {
    String mode = a.c().text("mode", "nearest");
    if (mode.equals("nearest")) {
      long[] picks = LongStream.range(0, a.to()).map(a::nearest).toArray();
      return x.index_select(axis, Tensors.of(picks, picks.length));
    }
    int from = Math.toIntExact(a.from());
    int to = Math.toIntExact(a.to());
    float[] matrix = new float[Math.multiplyExact(from, to)];
    for (int i = 0; i < to; i++) {
      if (mode.endsWith("cubic")) {
        cubic(a, i, matrix);
      } else {
        linear(a, i, matrix);
      }
    }
    Tensor weights = Tensors.of(matrix, from, to).to(Tensors.type(x));
    return x.transpose(axis, -1).matmul(weights).transpose(axis, -1);
  }

  /** Outside the input its last element goes on. */
  private static void linear(Axis a, int i, float[] matrix) {
    double at = Math.max(0, Math.min(a.from() - 1.0, a.position(i)));
    long low = (long) Math.floor(at);
    add(matrix, a, low, i, 1 - (at - low));
    add(matrix, a, Math.min(a.from() - 1, low + 1), i, at - low);
  }

  /** Keys 1981, with ONNX's default of -0.75 for his parameter. */
  private static void cubic(Axis a, int i, float[] matrix) {
    double keys = a.c().real("cubic_coeff_a", -0.75f);
    double at = a.position(i);
    long low = (long) Math.floor(at);
    boolean exclude = a.c().integer("exclude_outside", 0) != 0;
    double[] weights = new double[4];
    double sum = 0;
    for (int k = 0; k < 4; k++) {
      double d = Math.abs(at - (low - 1 + k));
      weights[k] =
          d <= 1
              ? ((keys + 2) * d - (keys + 3)) * d * d + 1
              : ((keys * d - 5 * keys) * d + 8 * keys) * d - 4 * keys;
      long index = low - 1 + k;
      if (exclude && (index < 0 || index >= a.from())) {
        weights[k] = 0;
      }
      sum += weights[k];
    }
    for (int k = 0; k < 4; k++) {
      long index = Math.max(0, Math.min(a.from() - 1, low - 1 + k));
      add(matrix, a, index, i, exclude ? weights[k] / sum : weights[k]);
    }
  }

  private static void add(float[] matrix, Axis a, long row, long column, double weight) {
    matrix[(int) (row * a.to() + column)] += (float) weight;
  }
}
