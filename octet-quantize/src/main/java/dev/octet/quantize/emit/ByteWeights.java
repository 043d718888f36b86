package dev.octet.quantize.emit;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Weights as the operators on 8-bit integers take them: one byte a weight, a scale and a zero point
 * for the tensor or for each output channel.
 *
 * <p>Arrays are shared with their readers in this package, which do not change them.
 */
final class ByteWeights {
  private final DataType type;
  private final int[] codes;
  private final long[] shape;
  private final float[] scales;
  private final int[] zeroPoints;

  private ByteWeights(DataType type, int[] codes, long[] shape, float[] scales, int[] zeroPoints) {
    this.type = type;
    this.codes = codes;
    this.shape = shape;
    this.scales = scales;
    this.zeroPoints = zeroPoints;
  }

  /** Why {@code weight} cannot be had in this form, or null. */
  static @Nullable String obstacle(QuantizedWeight weight) {
    QuantParams params = weight.params();
    if (params.granularity() instanceof Granularity.PerBlock) {
      return "integer operators take one scale a channel, not blocks of scales";
    }
    return params.qmin() < Byte.MIN_VALUE || params.qmax() > 255
        ? "integer operators take weights of 8 bits at most"
        : null;
  }

  /** The integers of {@code weight}, fewer than 8 bits widened to 8. */
  static ByteWeights of(QuantizedWeight weight) {
    QuantParams params = weight.params();
    return new ByteWeights(
        params.qmin() < 0 ? DataType.INT8 : DataType.UINT8,
        IntegerTensors.codes(weight.integers()),
        weight.integers().shape(),
        params.scales(),
        params.zeroPoints());
  }

  /** The same with the last two axes exchanged. */
  ByteWeights transposed() {
    int rank = shape.length;
    int rows = Math.toIntExact(shape[rank - 2]);
    int columns = Math.toIntExact(shape[rank - 1]);
    int[] turned = new int[codes.length];
    for (int i = 0; i < codes.length; i++) {
      int matrix = i / (rows * columns) * (rows * columns);
      int row = i % (rows * columns) / columns;
      int column = i % columns;
      turned[matrix + column * rows + row] = codes[i];
    }
    long[] turnedShape = shape.clone();
    turnedShape[rank - 2] = columns;
    turnedShape[rank - 1] = rows;
    return new ByteWeights(type, turned, turnedShape, scales, zeroPoints);
  }

  /** The same numbers as unsigned integers: codes and zero points both move up by 128. */
  ByteWeights unsigned() {
    return type == DataType.UINT8
        ? this
        : new ByteWeights(DataType.UINT8, raised(codes), shape, scales, raised(zeroPoints));
  }

  private static int[] raised(int[] values) {
    return Arrays.stream(values).map(value -> value - Byte.MIN_VALUE).toArray();
  }

  /** INT8 or UINT8. */
  DataType type() {
    return type;
  }

  /** The shape of the codes. */
  long[] shape() {
    return shape;
  }

  /** One, or one for each output channel. */
  float[] scales() {
    return scales;
  }

  /** As many as scales. */
  int[] zeroPoints() {
    return zeroPoints;
  }

  /** Whether all zero points are equal. */
  boolean oneZeroPoint() {
    return Arrays.stream(zeroPoints).allMatch(z -> z == zeroPoints[0]);
  }

  /** The codes as a tensor. */
  Tensor integers() {
    return IntegerTensors.of(type, codes, shape);
  }
}
