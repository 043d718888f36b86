package dev.octet.core.affine;

import dev.octet.core.descriptor.Granularity;
import dev.octet.testing.Fields;

/** Reads parameters and compares bits, for the golden tests of this package. */
final class PeerParams {
  private PeerParams() {}

  /** The integer range of a type such as {@code uint8}, {@code int4} or {@code quint8}. */
  static int[] range(String dtype) {
    String name = dtype.startsWith("q") ? dtype.substring(1) : dtype;
    boolean signed = name.startsWith("int");
    int bits = Integer.parseInt(name.substring(signed ? 3 : 4));
    return signed
        ? new int[] {-(1 << (bits - 1)), (int) ((1L << (bits - 1)) - 1)}
        : new int[] {0, (1 << bits) - 1};
  }

  /** {@code axis} and {@code block_size}, either of which may be null. */
  static Granularity granularity(Fields params) {
    if (!params.has("axis")) {
      return Granularity.perTensor();
    }
    int axis = params.integer("axis");
    return params.names().contains("block_size") && params.has("block_size")
        ? Granularity.perBlock(axis, params.integer("block_size"))
        : Granularity.perAxis(axis);
  }

  /** Bit patterns, all NaN as one, so that −0 and 0 differ. */
  static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToIntBits(values[i]);
    }
    return bits;
  }

  static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  static float[] select(float[] gradient, boolean[] passes) {
    float[] selected = new float[gradient.length];
    for (int i = 0; i < selected.length; i++) {
      selected[i] = passes[i] ? gradient[i] : 0;
    }
    return selected;
  }
}
