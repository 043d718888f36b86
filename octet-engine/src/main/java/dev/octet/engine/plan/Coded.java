package dev.octet.engine.plan;

import dev.octet.core.format.BFloat16;
import dev.octet.core.format.Float16;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Constant floats that a model keeps in fewer bits: 16-bit floats, or integers of 4 or 8 bits of
 * which each block along an axis has a scale and a zero point of its own.
 *
 * @param codes what the model keeps
 * @param scales one, or of the dimensions of {@code codes} with {@code axis} divided by {@code
 *     block}; null for 16-bit floats
 * @param zeroPoints as many as scales; null where all are zero
 * @param axis the dimension that is cut into blocks
 * @param block elements of a block
 */
public record Coded(
    Tensor codes, @Nullable Tensor scales, @Nullable Tensor zeroPoints, int axis, int block) {

  /** The integer at flat index {@code i} of {@code tensor}, of 4 or 8 bits. */
  public static int integer(Tensor tensor, ByteBuffer data, int i) {
    return switch (tensor.type()) {
      case INT8 -> data.get(i);
      case UINT8 -> data.get(i) & 0xFF;
      case UINT4 -> (data.get(i / 2) >> (4 * (i & 1))) & 15;
      case INT4 -> (data.get(i / 2) << (28 - 4 * (i & 1))) >> 28;
      default -> throw new IllegalArgumentException("codes of " + tensor.type());
    };
  }

  /** The floats: {@code scale * (code − zeroPoint)}. */
  public Tensor decode() {
    Tensor steps = scales;
    if (steps == null) {
      boolean brain = codes.type() == DataType.BFLOAT16;
      return Tensor.computed(
          reals -> {
            ByteBuffer data = codes.data();
            while (reals.hasRemaining()) {
              short bits = data.getShort();
              reals.put(brain ? BFloat16.decode(bits) : Float16.decode(bits));
            }
          },
          codes.shape());
    }
    float[] scale = steps.toFloats();
    Tensor zeros = zeroPoints;
    ByteBuffer zero = zeros == null ? null : zeros.data();
    return Tensor.computed(
        reals -> {
          ByteBuffer data = codes.data();
          for (int i = 0; reals.hasRemaining(); i++) {
            int at = scaleIndex(i);
            int shift = zeros == null || zero == null ? 0 : integer(zeros, zero, at);
            reals.put((integer(codes, data, i) - shift) * scale[at]);
          }
        },
        codes.shape());
  }

  /** Which scale the code at flat index {@code i} has. */
  public int scaleIndex(int i) {
    Tensor steps = scales;
    if (steps == null || steps.elementCount() == 1) {
      return 0;
    }
    int inner = 1;
    for (int d = axis + 1; d < codes.rank(); d++) {
      inner *= (int) codes.dim(d);
    }
    int size = (int) codes.dim(axis);
    int along = i / inner % size;
    if (steps.rank() == 1 && codes.rank() > 1) {
      return along; // one scale for each index of the axis
    }
    int blocks = (int) steps.dim(axis);
    return (i / inner / size * blocks + along / block) * inner + i % inner;
  }

  /** Tells apart all that is derived from these codes under different scales. */
  public String derivation() {
    return "decoded "
        + (scales == null ? 0 : scales.hashCode())
        + " "
        + (zeroPoints == null ? 0 : zeroPoints.hashCode());
  }
}
