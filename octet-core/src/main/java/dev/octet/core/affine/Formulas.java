package dev.octet.core.affine;

import static dev.octet.core.affine.Formula.all;

import dev.octet.core.affine.Formula.Kind;
import dev.octet.core.affine.Formula.NanTo;
import java.util.Arrays;

/** The formula of each {@link Arithmetic}, with the settings that given parameters make of it. */
final class Formulas {
  private Formulas() {}

  /** Whether levels are codes already, and not still short of the zero point. */
  static boolean addsZeroPointBeforeRounding(Arithmetic arithmetic) {
    return arithmetic == Arithmetic.LIBTORCH_2_13 || arithmetic == Arithmetic.DISTILLER;
  }

  /** Which code NaN gets. */
  static NanTo nanCode(Arithmetic arithmetic) {
    return arithmetic == Arithmetic.LIBTORCH_2_10 || arithmetic == Arithmetic.LIBTORCH_2_13
        ? NanTo.HIGHEST
        : NanTo.LOWEST;
  }

  /** Real values to levels: codes, or what is left of them when the zero point is taken off. */
  static Formula codes(QuantParams p, Arithmetic arithmetic) {
    float[] one = all(p.count(), 1);
    NanTo nanTo = nanCode(arithmetic);
    return addsZeroPointBeforeRounding(arithmetic)
        ? shifted(Kind.MULTIPLY_MULTIPLY, nanTo, p, one)
        : centred(kindOfCodes(arithmetic, p), nanTo, p, one);
  }

  /** Real values to real values on the grid. */
  static Formula fake(QuantParams p, Arithmetic arithmetic) {
    return switch (arithmetic) {
      case ONNX -> centred(Kind.DIVIDE_MULTIPLY, NanTo.LOWEST, p, p.scales());
      case LIBTORCH_2_10, LIBTORCH_2_13 ->
          centred(Kind.MULTIPLY_MULTIPLY, NanTo.LOWEST, p, p.scales());
      case PYTORCH_QUANTIZATION -> {
        requireSymmetric(p);
        yield centred(Kind.MULTIPLY_DIVIDE, NanTo.NAN, p, inverse(p));
      }
      case DISTILLER -> shifted(Kind.MULTIPLY_DIVIDE, NanTo.NAN, p, inverse(p));
    };
  }

  private static Kind kindOfCodes(Arithmetic arithmetic, QuantParams p) {
    if (arithmetic == Arithmetic.PYTORCH_QUANTIZATION) {
      requireSymmetric(p);
    }
    return arithmetic == Arithmetic.ONNX ? Kind.DIVIDE_MULTIPLY : Kind.MULTIPLY_MULTIPLY;
  }

  /** Levels count from the zero point: it is added after rounding. */
  private static Formula centred(Kind kind, NanTo nanTo, QuantParams p, float[] back) {
    float[] lo = new float[p.count()];
    float[] hi = new float[p.count()];
    for (int i = 0; i < lo.length; i++) {
      lo[i] = p.qmin() - p.zeroPoint(i);
      hi[i] = p.qmax() - p.zeroPoint(i);
    }
    float[] zero = new float[p.count()];
    float[] forward = kind == Kind.DIVIDE_MULTIPLY ? p.scales() : inverse(p);
    return new Formula(kind, nanTo, forward, zero, lo, hi, zero, back);
  }

  /** Levels are codes: the zero point is added before rounding. */
  private static Formula shifted(Kind kind, NanTo nanTo, QuantParams p, float[] back) {
    float[] shift = new float[p.count()];
    float[] unshift = new float[p.count()];
    for (int i = 0; i < shift.length; i++) {
      shift[i] = -p.zeroPoint(i);
      unshift[i] = p.zeroPoint(i);
    }
    float[] lo = all(p.count(), p.qmin());
    float[] hi = all(p.count(), p.qmax());
    return new Formula(kind, nanTo, inverse(p), shift, lo, hi, unshift, back);
  }

  private static float[] inverse(QuantParams p) {
    float[] inverse = p.scales();
    for (int i = 0; i < inverse.length; i++) {
      inverse[i] = 1 / inverse[i];
    }
    return inverse;
  }

  private static void requireSymmetric(QuantParams p) {
    if (Arrays.stream(p.zeroPoints()).anyMatch(zero -> zero != 0)) {
      throw new IllegalArgumentException(
          "arithmetic PYTORCH_QUANTIZATION has no zero points, but the parameters have;"
              + " choose symmetric parameters or another arithmetic");
    }
  }
}
