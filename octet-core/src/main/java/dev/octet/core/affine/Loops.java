package dev.octet.core.affine;

/**
 * The inner loops: real numbers in, numbers on the grid out, in place. Each exists once with one
 * setting for all elements and once with a setting for each.
 *
 * <p>Written so that the compiler vectorises them on JDK 17: no branch, no conversion, the same
 * index into every array. The bounds {@code lo} and {@code hi} are integers of at most {@link
 * Rounding#LIMIT}; clamping to them before rounding gives what clamping afterwards gives, because
 * rounding is monotone and keeps integers.
 */
final class Loops {
  private Loops() {}

  /** {@code a = rint(clamp(a / scale)) · back}. */
  static void divide(float[] a, int from, int to, float scale, float lo, float hi, float back) {
    for (int i = from; i < to; i++) {
      float clamped = Math.min(Math.max(a[i] / scale, lo), hi);
      a[i] = Rounding.nearest(clamped) * back;
    }
  }

  static void divide(float[] a, int length, float[] scale, float[] lo, float[] hi, float[] back) {
    for (int i = 0; i < length; i++) {
      float clamped = Math.min(Math.max(a[i] / scale[i], lo[i]), hi[i]);
      a[i] = Rounding.nearest(clamped) * back[i];
    }
  }

  /** {@code a = rint(clamp(a · factor − shift)) · back}. */
  static void multiply(
      float[] a, int from, int to, float factor, float shift, float lo, float hi, float back) {
    for (int i = from; i < to; i++) {
      float clamped = Math.min(Math.max(a[i] * factor - shift, lo), hi);
      a[i] = Rounding.nearest(clamped) * back;
    }
  }

  static void multiply(
      float[] a, int length, float[] factor, float[] shift, float[] lo, float[] hi, float[] back) {
    for (int i = 0; i < length; i++) {
      float clamped = Math.min(Math.max(a[i] * factor[i] - shift[i], lo[i]), hi[i]);
      a[i] = Rounding.nearest(clamped) * back[i];
    }
  }

  /**
   * {@code a = (rint(clamp(a · factor − shift)) − unshift) / back}; a rounded zero keeps the sign
   * of what was rounded, and so does the result where unshift is 0.
   */
  static void multiplyDivide(
      float[] a,
      int from,
      int to,
      float factor,
      float shift,
      float lo,
      float hi,
      float unshift,
      float back) {
    for (int i = from; i < to; i++) {
      float clamped = Math.min(Math.max(a[i] * factor - shift, lo), hi);
      a[i] = (Math.copySign(Rounding.nearest(clamped), clamped) - unshift) / back;
    }
  }

  static void multiplyDivide(
      float[] a,
      int length,
      float[] factor,
      float[] shift,
      float[] lo,
      float[] hi,
      float[] unshift,
      float[] back) {
    for (int i = 0; i < length; i++) {
      float clamped = Math.min(Math.max(a[i] * factor[i] - shift[i], lo[i]), hi[i]);
      a[i] = (Math.copySign(Rounding.nearest(clamped), clamped) - unshift[i]) / back[i];
    }
  }

  /**
   * Whether there may be a NaN; a wrong yes is possible where finite values sum to infinities of
   * both signs. Eight sums at once, because one would wait for itself.
   */
  static boolean maybeNan(float[] a, int from, int to) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int even = from + (to - from) / 8 * 8;
    for (int i = from; i < even; i += 8) {
      s0 += a[i];
      s1 += a[i + 1];
      s2 += a[i + 2];
      s3 += a[i + 3];
      s4 += a[i + 4];
      s5 += a[i + 5];
      s6 += a[i + 6];
      s7 += a[i + 7];
    }
    for (int i = even; i < to; i++) {
      s0 += a[i];
    }
    return Float.isNaN(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)));
  }
}
