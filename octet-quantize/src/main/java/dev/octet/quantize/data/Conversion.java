package dev.octet.quantize.data;

import java.lang.reflect.Array;

/** Changes the element type of an array; refuses values that the new type cannot hold. */
final class Conversion {

  private Conversion() {}

  static Object convert(Object from, ElementType source, ElementType target) {
    int length = Array.getLength(from);
    Object to = HostTensor.newArray(target, length);
    if (to instanceof float[] floats) {
      for (int i = 0; i < length; i++) {
        // A long goes to float directly: through double it would be rounded twice.
        floats[i] =
            source.isFloat() ? (float) real(from, i) : (float) whole(from, source, target, i);
      }
    } else if (to instanceof double[] doubles) {
      for (int i = 0; i < length; i++) {
        doubles[i] = source.isFloat() ? real(from, i) : (double) whole(from, source, target, i);
      }
    } else if (to instanceof long[] longs) {
      for (int i = 0; i < length; i++) {
        longs[i] = fitting(from, source, target, i);
      }
    } else if (to instanceof int[] ints) {
      for (int i = 0; i < length; i++) {
        ints[i] = (int) fitting(from, source, target, i);
      }
    } else {
      for (int i = 0; i < length; i++) {
        ((byte[]) to)[i] = (byte) fitting(from, source, target, i);
      }
    }
    return to;
  }

  private static long fitting(Object from, ElementType source, ElementType target, int i) {
    long value = whole(from, source, target, i);
    if (!target.holds(value)) {
      throw new DataException("value " + value + " at element " + i + " does not fit " + target);
    }
    return value;
  }

  private static long whole(Object from, ElementType source, ElementType target, int i) {
    if (source.isFloat()) {
      double value = real(from, i);
      // 2^63 itself is not a long; NaN fails the comparison with itself.
      if (value != Math.rint(value) || value < -0x1p63 || value >= 0x1p63) {
        throw new DataException("value " + value + " at element " + i + " is no " + target);
      }
      return (long) value;
    }
    if (from instanceof long[] longs) {
      return longs[i];
    }
    if (from instanceof int[] ints) {
      return ints[i];
    }
    byte value = ((byte[]) from)[i];
    return source == ElementType.UINT8 ? Byte.toUnsignedInt(value) : value;
  }

  private static double real(Object from, int i) {
    return from instanceof float[] floats ? floats[i] : ((double[]) from)[i];
  }
}
