package dev.octet.torch.script;

import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Map;

/**
 * Fake quantization as a pair of QuantizeLinear and DequantizeLinear, also on weights, so that the
 * model keeps what was learned about scales. PyTorch multiplies by the reciprocal of the scale
 * where ONNX divides, so single values next to a tie may differ by one step.
 */
final class FakeQuantOperators {

  private FakeQuantOperators() {}

  static void register(Map<String, Operators.Rule> rules) {
    rules.put(
        "fake_quantize_per_tensor_affine",
        c ->
            c.returns(pair(c, scalarScale(c, 1), zeroPoint(c, 2), -1, c.integer(3), c.integer(4))));
    rules.put(
        "fake_quantize_per_channel_affine",
        c ->
            c.returns(
                pair(c, scales(c, 1), zeroPoint(c, 2), c.axis(3), c.integer(4), c.integer(5))));
    rules.put("fused_moving_avg_obs_fake_quant", FakeQuantOperators::fused);
  }

  /**
   * (x, observing, quantizing, min, max, scale, zero point, factor, lowest, highest, axis, ...).
   */
  private static void fused(Call c) {
    if (integers(c, 1)[0] != 0) {
      throw c.refuse("still observes ranges; call disable_observer before tracing");
    }
    if (integers(c, 2)[0] == 0) {
      c.returns(c.in(0));
      return;
    }
    boolean perRow = c.flag(11, false);
    c.returns(
        pair(
            c,
            perRow ? scales(c, 5) : scalarScale(c, 5),
            zeroPoint(c, 6),
            perRow ? c.axis(10) : -1,
            c.integer(8),
            c.integer(9)));
  }

  private static float[] scalarScale(Call c, int index) {
    return c.isTensor(index) ? scales(c, index) : new float[] {(float) c.number(index)};
  }

  private static float[] scales(Call c, int index) {
    return constant(c, index, org.bytedeco.pytorch.global.torch.ScalarType.Float).toFloats();
  }

  private static long[] zeroPoint(Call c, int index) {
    return c.isTensor(index) ? integers(c, index) : new long[] {c.integer(index)};
  }

  private static long[] integers(Call c, int index) {
    return constant(c, index, org.bytedeco.pytorch.global.torch.ScalarType.Long).toLongs();
  }

  private static Tensor constant(
      Call c, int index, org.bytedeco.pytorch.global.torch.ScalarType type) {
    if (!c.tensor(index).isConstant()) {
      throw c.refuse("has a scale or zero point that depends on the inputs");
    }
    return NativeTensors.copy(c.tensor(index).nativeTensor().to(type));
  }

  /** Levels outside {@code lowest} to {@code highest} are cut off between the two nodes. */
  private static Value pair(
      Call c, float[] scale, long[] zero, int axis, long lowest, long highest) {
    DataType type = lowest < 0 ? DataType.INT8 : DataType.UINT8;
    long least = lowest < 0 ? -128 : 0;
    long most = lowest < 0 ? 127 : 255;
    if (lowest < least || highest > most) {
      throw c.refuse("has levels " + lowest + " to " + highest + "; 8 bits are supported");
    }
    if (zero.length != scale.length || (axis < 0 && scale.length != 1)) {
      throw c.refuse("has " + scale.length + " scales and " + zero.length + " zero points");
    }
    byte[] zeros = new byte[zero.length];
    for (int i = 0; i < zeros.length; i++) {
      if (zero[i] < least || zero[i] > most) {
        throw c.refuse("has zero point " + zero[i] + ", which " + type + " does not hold");
      }
      zeros[i] = (byte) zero[i];
    }
    for (float s : scale) {
      if (!(s > 0 && s < Float.POSITIVE_INFINITY)) {
        throw c.refuse("has scale " + s + "; run data through its observer first");
      }
    }
    long[] shape = axis < 0 ? new long[0] : new long[] {scale.length};
    String path = c.emit().path();
    String stem = path.isEmpty() ? "" : path + "/";
    Value scales = c.emit().graph().addConstant(stem + "scale", Tensor.ofFloats(scale, shape));
    Value zeroPoints =
        c.emit().graph().addConstant(stem + "zero_point", Tensor.ofRaw(type, zeros, shape));
    Value q =
        c.node(withAxis(NodeSpec.of("QuantizeLinear"), axis).reads(c.in(0), scales, zeroPoints));
    if (lowest != least || highest != most) {
      q = c.node("Clip", q, c.emit().scalar(type, lowest), c.emit().scalar(type, highest));
    }
    return c.node(withAxis(NodeSpec.of("DequantizeLinear"), axis).reads(q, scales, zeroPoints));
  }

  private static NodeSpec withAxis(NodeSpec spec, int axis) {
    return axis < 0 ? spec : spec.with("axis", axis);
  }
}
