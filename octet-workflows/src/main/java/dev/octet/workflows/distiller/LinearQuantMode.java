package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;

/** Which integers stand for a range of values: {@code q = rint(scale · x − zeroPoint)}. */
public enum LinearQuantMode {
  /** Zero point 0; all integers, −2^(b−1) to 2^(b−1) − 1. */
  SYMMETRIC,
  /** Zero point 0; as many negative integers as positive ones. */
  SYMMETRIC_RESTRICTED,
  /** The ends of the range onto the ends of 0 to 2^b − 1. */
  ASYMMETRIC_UNSIGNED,
  /** The ends of the range onto the ends of −2^(b−1) to 2^(b−1) − 1. */
  ASYMMETRIC_SIGNED;

  /** Whether the zero point is always 0. */
  public boolean isSymmetric() {
    return this == SYMMETRIC || this == SYMMETRIC_RESTRICTED;
  }

  /**
   * Scale and zero point for each of some ranges; see {@link DistillerLinear}.
   *
   * @param bits 2 to 16
   * @param low the lower ends
   * @param high the upper ends
   */
  DistillerLinear params(int bits, double[] low, double[] high) {
    float[] from = new float[low.length];
    float[] to = new float[low.length];
    float[] saturation = new float[low.length];
    for (int i = 0; i < low.length; i++) {
      from[i] = (float) low[i];
      to[i] = (float) high[i];
      saturation[i] = Math.max(Math.abs(from[i]), Math.abs(to[i]));
    }
    return isSymmetric()
        ? DistillerLinear.symmetric(bits, this == SYMMETRIC_RESTRICTED, saturation)
        : DistillerLinear.asymmetric(bits, this == ASYMMETRIC_SIGNED, true, from, to);
  }

  /** The range whose parameters these are: the inverse of {@link #params}, but for rounding. */
  static double[] range(LinearQuantMode mode, DistillerLinear params, int index) {
    double scale = params.scales()[index];
    if (mode.isSymmetric()) {
      double levels = mode == SYMMETRIC ? (params.qmax() - params.qmin()) / 2.0 : params.qmax();
      return new double[] {-levels / scale, levels / scale};
    }
    double zero = params.zeroPoints()[index];
    return new double[] {(params.qmin() + zero) / scale, (params.qmax() + zero) / scale};
  }
}
