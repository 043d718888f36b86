package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;

/**
 * From floats to integers and back, as ONNX writes it: {@code q = saturate(rint(x / scale) + zp)},
 * {@code x = (q - zp) * scale}, each division and product rounded to float.
 */
final class Quantization {

  private Quantization() {}

  static void register(Map<String, Operator> operators) {
    operators.put("QuantizeLinear", single(Quantization::quantizeLinear));
    operators.put("DequantizeLinear", single(Quantization::dequantizeLinear));
    operators.put("DynamicQuantizeLinear", Quantization::dynamicQuantizeLinear);
  }

  /** The nearest code, ties to even; not a number gives the lowest, as ONNX Runtime has it. */
  static double quantize(double x, double scale, double zeroPoint, DataType type) {
    return saturate(Math.rint((float) (x / scale)) + zeroPoint, type);
  }

  static double dequantize(double code, double scale, double zeroPoint) {
    return (float) ((float) (code - zeroPoint) * scale);
  }

  /** The nearest number that {@code type} holds. */
  static double saturate(double code, DataType type) {
    boolean signed =
        switch (type) {
          case INT4, INT8, INT16, INT32 -> true;
          case UINT4, UINT8, UINT16 -> false;
          default -> throw new IllegalArgumentException("codes are not of type " + type);
        };
    double low = signed ? -Math.scalb(1.0, type.bits() - 1) : 0;
    double high = low + Math.scalb(1.0, type.bits()) - 1;
    return code >= low ? Math.min(high, code) : low;
  }

  private static Tensor quantizeLinear(Call call) {
    Array x = call.array(0);
    Array scale = call.array(1);
    DataType named = DataType.ofCode(call.integer("output_dtype", 0));
    DataType type = call.has(2) ? call.tensor(2).type() : named == null ? DataType.UINT8 : named;
    Array zeroPoint = call.arrayOrZeros(2, scale.shape);
    IntUnaryOperator place = places(call, x, scale);
    double[] codes = new double[x.values.length];
    for (int i = 0; i < codes.length; i++) {
      int at = place.applyAsInt(i);
      codes[i] = quantize(x.values[i], scale.values[at], zeroPoint.values[at], type);
    }
    return new Array(x.shape, codes).to(type);
  }

  private static Tensor dequantizeLinear(Call call) {
    Array codes = call.array(0);
    Array scale = call.array(1);
    Array zeroPoint = call.arrayOrZeros(2, scale.shape);
    IntUnaryOperator place = places(call, codes, scale);
    double[] x = new double[codes.values.length];
    for (int i = 0; i < x.length; i++) {
      int at = place.applyAsInt(i);
      x[i] = dequantize(codes.values[i], scale.values[at], zeroPoint.values[at]);
    }
    return new Array(codes.shape, x).to(call.tensor(1).type());
  }

  /** For each element of {@code x} the element of {@code scale} that belongs to it. */
  private static IntUnaryOperator places(Call call, Array x, Array scale) {
    if (scale.values.length == 1) {
      return i -> 0;
    }
    int axis = x.axis(call.integer("axis", 1));
    int block = call.integer("block_size", 0);
    if (scale.rank() == 1 && block == 0) {
      int inner = x.product(axis + 1, x.rank());
      return i -> i / inner % x.shape[axis];
    }
    return i -> {
      int[] at = Array.coordinates(i, x.shape);
      at[axis] /= block;
      return scale.index(at);
    };
  }

  /** Scale and zero point of the whole tensor: uint8, the range widened to hold zero. */
  private static List<Tensor> dynamicQuantizeLinear(Call call) {
    Array x = call.array(0);
    float low = (float) Math.min(0, Arrays.stream(x.values).min().orElse(0));
    float high = (float) Math.max(0, Arrays.stream(x.values).max().orElse(0));
    float scale = high == low ? 1 : (high - low) / 255;
    double zeroPoint = saturate(Math.rint((0 - low) / scale), DataType.UINT8);
    double[] codes = new double[x.values.length];
    Arrays.setAll(codes, i -> quantize(x.values[i], scale, zeroPoint, DataType.UINT8));
    return List.of(
        new Array(x.shape, codes).to(DataType.UINT8),
        new Array(new int[0], new double[] {scale}).to(DataType.FLOAT),
        new Array(new int[0], new double[] {zeroPoint}).to(DataType.UINT8));
  }
}
