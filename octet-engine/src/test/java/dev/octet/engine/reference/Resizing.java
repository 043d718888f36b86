package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.Attribute;
import dev.octet.graph.Tensor;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Resize and Upsample, by the nearest element or linearly between neighbours. Coordinates are
 * computed in float, as ONNX Runtime does: at ties the rounding decides which element is nearest.
 */
final class Resizing {

  private Resizing() {}

  static void register(Map<String, Operator> operators) {
    operators.put("Resize", single(Resizing::resize));
    operators.put("Upsample", single(c -> resize(c, new int[0], floats(c, 1, "scales"))));
  }

  /** Inputs: x, region (not used), scales, sizes; in operator set 10: x, scales. */
  private static Tensor resize(Call call) {
    return call.opset() < 11
        ? resize(call, new int[0], floats(call, 1, ""))
        : resize(call, call.list(3, ""), floats(call, 2, ""));
  }

  private static float[] floats(Call call, int index, String attribute) {
    if (call.has(index)) {
      return call.tensor(index).toFloats();
    }
    if (call.node().attribute(attribute) instanceof Attribute.FloatList list) {
      float[] values = new float[list.values().size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = list.values().get(i);
      }
      return values;
    }
    return new float[0];
  }

  private static Tensor resize(Call call, int[] sizes, float[] scales) {
    Array x = call.array(0);
    int[] axes = call.integers("axes", IntStream.range(0, x.rank()).toArray());
    String policy = call.text("keep_aspect_ratio_policy", "stretch");
    if (!policy.equals("stretch") || call.flag("antialias")) {
      throw new IllegalArgumentException("neither aspect ratios are kept nor edges smoothed here");
    }
    Array y = x;
    for (int i = 0; i < axes.length; i++) {
      int axis = x.axis(axes[i]);
      int in = x.shape[axis];
      int out = sizes.length > 0 ? sizes[i] : (int) Math.floor(in * scales[i]);
      float scale = sizes.length > 0 ? (float) out / in : scales[i];
      if (in != out || scale != 1) {
        y = along(call, y, axis, out, scale);
      }
    }
    return y.to(call.type());
  }

  /** Resizes one axis; doing so one axis after the other is the same as all at once. */
  private static Array along(Call call, Array x, int axis, int out, float scale) {
    int in = x.shape[axis];
    int inner = x.product(axis + 1, x.rank());
    int[] shape = x.shape.clone();
    shape[axis] = out;
    Array y = Array.zeros(shape);
    boolean nearest = call.text("mode", "nearest").equals("nearest");
    for (int i = 0; i < y.values.length; i++) {
      int at = i / inner % out;
      int first = i / inner / out * in * inner + i % inner;
      float source = coordinate(call, at, in, out, scale);
      if (nearest) {
        int from = clamp(near(call, source, scale), in);
        y.values[i] = x.values[first + from * inner];
      } else {
        double inside = Math.max(0, Math.min(in - 1, source));
        int low = (int) inside;
        double share = inside - low;
        double below = x.values[first + low * inner];
        double above = x.values[first + clamp(low + 1, in) * inner];
        y.values[i] = below * (1 - share) + above * share;
      }
    }
    return y;
  }

  private static int clamp(int at, int length) {
    return Math.max(0, Math.min(length - 1, at));
  }

  private static float coordinate(Call call, int at, int in, int out, float scale) {
    String usual = call.opset() < 11 ? "asymmetric" : "half_pixel";
    return switch (call.text("coordinate_transformation_mode", usual)) {
      case "half_pixel" -> (at + 0.5f) / scale - 0.5f;
      case "pytorch_half_pixel" -> out > 1 ? (at + 0.5f) / scale - 0.5f : 0;
      case "align_corners" -> out == 1 ? 0 : (float) at * (in - 1) / (out - 1);
      case "asymmetric" -> at / scale;
      default -> throw new IllegalArgumentException("unknown coordinates");
    };
  }

  /** In operator set 10 the element below, when enlarging, or above, when shrinking. */
  private static int near(Call call, float source, float scale) {
    if (call.opset() < 11) {
      return (int) (scale < 1 ? Math.ceil(source) : Math.floor(source));
    }
    return (int)
        switch (call.text("nearest_mode", "round_prefer_floor")) {
          case "round_prefer_floor" -> Math.ceil(source - 0.5f);
          case "round_prefer_ceil" -> Math.floor(source + 0.5f);
          case "floor" -> Math.floor(source);
          case "ceil" -> Math.ceil(source);
          default -> throw new IllegalArgumentException("unknown rounding");
        };
  }
}
