package dev.octet.core.range;

import dev.octet.core.descriptor.QuantDescriptor;

/**
 * The grid a search measures against: integers {@code q} of so many bits, values {@code scale · (q
 * − zeroPoint)}.
 *
 * @param bits 2 to 16
 * @param signed whether q is centred on zero
 * @param symmetric whether the zero point is 0
 * @param narrow whether the most negative q is left out; only when signed
 */
record Levels(int bits, boolean signed, boolean symmetric, boolean narrow) {

  Levels {
    if (bits < 2 || bits > 16) {
      throw new IllegalArgumentException("bits is " + bits + "; choose 2 to 16");
    }
    if (narrow && !signed) {
      throw new IllegalArgumentException("narrow range needs signed; drop one of the two");
    }
  }

  static Levels of(QuantDescriptor descriptor) {
    return new Levels(
        descriptor.bits(), descriptor.signed(), descriptor.symmetric(), descriptor.narrow());
  }

  /** The smallest q. */
  int qmin() {
    if (!signed) {
      return 0;
    }
    return narrow ? -qmax() : -(1 << (bits - 1));
  }

  /** The largest q. */
  int qmax() {
    return signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
  }

  /** Levels left for magnitudes, of values that are {@code oneSided} or not. */
  int magnitudes(boolean oneSided) {
    boolean allOnOneSide = symmetric ? !signed : oneSided;
    return allOnOneSide ? 1 << bits : 1 << (bits - 1);
  }

  /**
   * The range that clips magnitudes at {@code amax}: symmetric grids take {@code [−amax, amax]} or,
   * unsigned, {@code [0, amax]}; others stay within what was seen.
   */
  Range clip(double amax, double min, double max) {
    float bound = (float) Math.min(amax, Math.max(-min, max));
    if (symmetric) {
      return signed
          ? Range.symmetric(bound)
          : new Range(0, Math.max(0, (float) Math.min(bound, max)));
    }
    return within(-amax, amax, min, max);
  }

  /** The range {@code [low, high]}, inside what was seen and never empty. */
  static Range within(double low, double high, double min, double max) {
    float from = (float) Math.min(Math.max(low, min), max);
    float to = (float) Math.max(Math.min(high, max), min);
    return new Range(Math.min(from, to), Math.max(from, to));
  }
}
