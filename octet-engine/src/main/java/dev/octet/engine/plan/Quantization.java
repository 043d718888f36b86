package dev.octet.engine.plan;

import dev.octet.graph.DataType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How real numbers are held as integers: {@code real = scale * (integer - zeroPoint)}, as ONNX's
 * DequantizeLinear defines it. Treat the arrays as immutable.
 *
 * @param type the integers' type
 * @param scales one, or one for each index of {@code axis}
 * @param zeroPoints as many as scales
 * @param axis the dimension that keeps its own scales; −1 where one scale holds for all
 */
@SuppressWarnings("ArrayRecordComponent") // equals compares the contents
public record Quantization(DataType type, float[] scales, int[] zeroPoints, int axis) {

  /** One scale and zero point for the whole tensor. */
  public static Quantization perTensor(DataType type, float scale, int zeroPoint) {
    return new Quantization(type, new float[] {scale}, new int[] {zeroPoint}, -1);
  }

  /** Whether one scale holds for the whole tensor. */
  public boolean isPerTensor() {
    return axis < 0;
  }

  /** Whether the integers are signed or unsigned bytes. */
  public boolean isByte() {
    return type == DataType.INT8 || type == DataType.UINT8;
  }

  /** The one scale. */
  public float scale() {
    return scales[0];
  }

  /** The one zero point. */
  public int zeroPoint() {
    return zeroPoints[0];
  }

  /** The smallest integer of the type. */
  public int lowest() {
    return switch (type) {
      case INT8 -> Byte.MIN_VALUE;
      case INT16 -> Short.MIN_VALUE;
      case INT4 -> -8;
      case INT32 -> Integer.MIN_VALUE;
      default -> 0;
    };
  }

  /** The largest integer of the type. */
  public int highest() {
    return switch (type) {
      case INT8 -> Byte.MAX_VALUE;
      case UINT8 -> 255;
      case INT16 -> Short.MAX_VALUE;
      case UINT16 -> 65535;
      case INT4 -> 7;
      case UINT4 -> 15;
      default -> Integer.MAX_VALUE;
    };
  }

  /** Whether every zero point is 0. */
  public boolean isSymmetric() {
    return Arrays.stream(zeroPoints).allMatch(z -> z == 0);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Quantization that
        && that.type == type
        && that.axis == axis
        && Arrays.equals(that.scales, scales)
        && Arrays.equals(that.zeroPoints, zeroPoints);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(scales) + Arrays.hashCode(zeroPoints);
  }

  @Override
  public String toString() {
    return isPerTensor()
        ? type + "(" + scale() + ", " + zeroPoint() + ")"
        : type + "(" + scales.length + " scales)";
  }
}
