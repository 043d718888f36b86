package dev.octet.engine.lower;

import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Resize and Upsample. The nearest element is copied, of integers too; linear and cubic
 * interpolation go one axis after the other in floats.
 *
 * <p>The place that an output element has in the input, its rounding, and the weights of the cubic
 * kernel (Keys 1981) are those of ONNX's definition of Resize.
 */
final class Resizes implements Lowering {

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    Operand input = to.input(node, 0);
    Geometry geometry = Geometry.of(node, to, input);
    if (Arrays.equals(geometry.dims, input.dims())) {
      to.define(output, input);
      return;
    }
    String mode = node.stringAttribute("mode", "nearest");
    switch (mode) {
      case "nearest" -> Copies.define(to, output, input, it -> nearest(node, to, it, geometry));
      case "linear", "bilinear" -> to.define(output, weighted(node, to, input, geometry, false));
      case "cubic" -> to.define(output, weighted(node, to, input, geometry, true));
      default -> throw new UnsupportedNodeException(node, "mode '" + mode + "' is unknown");
    }
  }

  /** The sizes and scales of every dimension. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Geometry(long[] from, long[] dims, float[] scales, String coordinates) {

    static Geometry of(Node node, Compilation to, Operand input) {
      int rank = input.rank();
      boolean old = node.is("Upsample");
      String coordinates =
          node.stringAttribute("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
      List<Long> all = LongStream.range(0, rank).boxed().toList();
      int[] axes =
          node.intsAttribute("axes", all).stream()
              .mapToInt(a -> Views.axis(node, a, rank, false))
              .toArray();
      Tensor scales = given(node, to, old ? 1 : 2);
      Tensor sizes = old ? null : given(node, to, 3);
      float[] factors = new float[rank];
      Arrays.fill(factors, 1);
      long[] dims = input.dims();
      if ((scales == null) == (sizes == null)) {
        throw new UnsupportedNodeException(
            node, "its scales or sizes are missing, both there, or computed from data");
      }
      if (scales != null) {
        float[] values = scales.toFloats();
        checkCount(node, values.length, axes.length);
        for (int i = 0; i < axes.length; i++) {
          if (!(values[i] > 0)) {
            throw new UnsupportedNodeException(node, "a scale is " + values[i]);
          }
          factors[axes[i]] = values[i];
          dims[axes[i]] = (long) (values[i] * dims[axes[i]]);
        }
      } else if (sizes != null) {
        long[] values = sizes.toLongs();
        checkCount(node, values.length, axes.length);
        sized(node, input, axes, values, factors, dims);
      }
      return new Geometry(input.dims(), dims, factors, coordinates);
    }

    private static @Nullable Tensor given(Node node, Compilation to, int index) {
      Tensor tensor = to.constant(node, index);
      if (tensor == null && node.input(index) != null) {
        throw new UnsupportedNodeException(
            node, "its input number " + index + " is computed from data");
      }
      return tensor == null || tensor.elementCount() == 0 ? null : tensor;
    }

    private static void checkCount(Node node, int count, int axes) {
      if (count != axes) {
        throw new UnsupportedNodeException(
            node, "it has " + count + " scales or sizes for " + axes + " axes");
      }
    }

    private static void sized(
        Node node, Operand input, int[] axes, long[] values, float[] factors, long[] dims) {
      String policy = node.stringAttribute("keep_aspect_ratio_policy", "stretch");
      float common = Float.NaN;
      for (int i = 0; i < axes.length; i++) {
        if (values[i] < 1) {
          throw new UnsupportedNodeException(node, "a size is " + values[i]);
        }
        float factor = (float) values[i] / input.dim(axes[i]);
        factors[axes[i]] = factor;
        dims[axes[i]] = values[i];
        common =
            Float.isNaN(common)
                ? factor
                : policy.equals("not_larger") ? Math.min(common, factor) : Math.max(common, factor);
      }
      if (!policy.equals("stretch")) {
        for (int axis : axes) {
          factors[axis] = common;
          dims[axis] = Math.round((double) common * input.dim(axis));
        }
      }
    }

    /** Where output element {@code at} of dimension {@code axis} lies in the input. */
    float place(Node node, int axis, int at) {
      float scale = scales[axis];
      long in = from[axis];
      long out = dims[axis];
      return switch (coordinates) {
        case "half_pixel" -> (at + 0.5f) / scale - 0.5f;
        case "pytorch_half_pixel" -> out > 1 ? (at + 0.5f) / scale - 0.5f : 0;
        case "align_corners" -> out == 1 ? 0 : (float) at * (in - 1) / (out - 1);
        case "asymmetric" -> at / scale;
        case "half_pixel_symmetric" -> {
          float adjustment = out / (scale * in);
          float center = in / 2f;
          yield center * (1 - adjustment) + (at + 0.5f) / scale - 0.5f;
        }
        default ->
            throw new UnsupportedNodeException(
                node, "there is no code for coordinates of '" + coordinates + "'");
      };
    }
  }

  // ---- nearest ----

  private static Operand nearest(Node node, Compilation to, Operand input, Geometry geometry) {
    String rounding = node.stringAttribute("nearest_mode", "round_prefer_floor");
    long[] strides = Walk.strides(input.dims());
    int[][] from = new int[input.rank()][];
    for (int d = 0; d < from.length; d++) {
      int size = (int) input.dim(d);
      from[d] = new int[Math.toIntExact(geometry.dims[d])];
      for (int i = 0; i < from[d].length; i++) {
        float place = geometry.scales[d] == 1 ? i : geometry.place(node, d, i);
        double rounded =
            switch (rounding) {
              case "round_prefer_floor" -> Math.ceil(place - 0.5f);
              case "round_prefer_ceil" -> Math.floor(place + 0.5f);
              case "floor" -> Math.floor(place);
              case "ceil" -> Math.ceil(place);
              default ->
                  throw new UnsupportedNodeException(
                      node, "nearest_mode '" + rounding + "' is unknown");
            };
        int chosen = (int) Math.max(0, Math.min(size - 1, rounded));
        from[d][i] = Math.toIntExact(chosen * strides[d]);
      }
    }
    return Operand.stored(Copies.pick(node, to, Copies.plain(node, to, input), from));
  }

  // ---- linear and cubic ----

  /** What each output element of one axis is made of. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Taps(int count, int[] places, float[] weights) {}

  private static Operand weighted(
      Node node, Compilation to, Operand input, Geometry geometry, boolean cubic) {
    if (input.type() != DataType.FLOAT) {
      throw new UnsupportedNodeException(node, "it interpolates FLOAT, not " + input.type());
    }
    Stored current = Copies.plain(node, to, input);
    long[] dims = input.dims();
    for (int d = 0; d < dims.length; d++) {
      if (geometry.dims[d] == dims[d] && geometry.scales[d] == 1) {
        continue;
      }
      Taps taps = taps(node, geometry, d, cubic);
      int outer = Settings.product(dims, 0, d);
      int inner = Settings.product(dims, d + 1, dims.length);
      int size = (int) dims[d];
      dims[d] = geometry.dims[d];
      Stored next = Copies.allocate(node, to, DataType.FLOAT, dims);
      int out = (int) dims[d];
      Kernel kernel =
          (reads, writes) -> {
            ByteBuffer from = reads.get(0);
            ByteBuffer into = writes.get(0);
            return () -> along(from, into, taps, outer, size, out, inner);
          };
      to.kernel("interpolation", kernel, List.of(current), List.of(next));
      current = next;
    }
    return Operand.stored(current);
  }

  private static void along(
      ByteBuffer from, ByteBuffer into, Taps taps, int outer, int size, int out, int inner) {
    for (int row = 0; row < outer; row++) {
      for (int o = 0; o < out; o++) {
        for (int i = 0; i < inner; i++) {
          float sum = 0;
          for (int t = o * taps.count; t < (o + 1) * taps.count; t++) {
            float x = from.getFloat(((row * size + taps.places[t]) * inner + i) << 2);
            sum += x * taps.weights[t];
          }
          into.putFloat(((row * out + o) * inner + i) << 2, sum);
        }
      }
    }
  }

  private static Taps taps(Node node, Geometry geometry, int axis, boolean cubic) {
    if (node.intAttribute("antialias", 0) != 0) {
      throw new UnsupportedNodeException(node, "it smooths with antialias");
    }
    int count = cubic ? 4 : 2;
    int size = (int) geometry.from[axis];
    int out = Math.toIntExact(geometry.dims[axis]);
    float a = node.floatAttribute("cubic_coeff_a", -0.75f);
    boolean excluded = cubic && node.intAttribute("exclude_outside", 0) != 0;
    int[] places = new int[count * out];
    float[] weights = new float[count * out];
    for (int o = 0; o < out; o++) {
      float place = geometry.place(node, axis, o);
      if (!cubic) {
        place = Math.max(0, Math.min(size - 1, place));
      }
      int low = (int) Math.floor(place);
      float share = place - low;
      float sum = 0;
      for (int t = 0; t < count; t++) {
        int at = low + t - (cubic ? 1 : 0);
        float distance = Math.abs(share - t + (cubic ? 1 : 0));
        float weight = cubic ? keys(distance, a) : 1 - distance;
        if (excluded && (at < 0 || at >= size)) {
          weight = 0;
        }
        sum += weight;
        places[o * count + t] = Math.max(0, Math.min(size - 1, at));
        weights[o * count + t] = weight;
      }
      for (int t = 0; excluded && t < count; t++) {
        weights[o * count + t] /= sum;
      }
    }
    return new Taps(count, places, weights);
  }

  private static float keys(float x, float a) {
    if (x <= 1) {
      return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
  }
}
