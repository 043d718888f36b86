package dev.octet.core.affine;

/**
 * Codes of more than 21 bits, those of biases: too wide for {@link Rounding#nearest}, so the
 * formula goes on in float64, which holds every int32, after the float32 step that each arithmetic
 * begins with.
 */
final class WideIntegers {
  /** Integer ranges within ± this go through {@link Formula}. */
  private static final int NARROW = (int) Rounding.LIMIT / 2;

  private WideIntegers() {}

  /** Whether the integers of {@code params} are too wide for {@link Formula}. */
  static boolean areThoseOf(QuantParams params) {
    return params.qmin() < -NARROW || params.qmax() > NARROW;
  }

  static void quantize(
      float[] x,
      int xOffset,
      int[] q,
      int qOffset,
      Layout layout,
      QuantParams params,
      Arithmetic arithmetic) {
    layout.walk(
        new Layout.Walker() {
          @Override
          public void shared(int at, int length, int group) {
            for (int i = at; i < at + length; i++) {
              q[qOffset + i] = code(x[xOffset + i], params, group, arithmetic);
            }
          }

          @Override
          public void separate(int at, int length, int firstGroup) {
            for (int i = 0; i < length; i++) {
              q[qOffset + at + i] = code(x[xOffset + at + i], params, firstGroup + i, arithmetic);
            }
          }
        });
  }

  private static int code(float x, QuantParams params, int group, Arithmetic arithmetic) {
    float scale = params.scale(group);
    int zero = params.zeroPoint(group);
    double rounded =
        switch (arithmetic) {
          case ONNX -> Math.rint(x / scale) + zero;
          case PYTORCH_QUANTIZATION, LIBTORCH_2_10 -> Math.rint(x * (1 / scale)) + zero;
          case LIBTORCH_2_13, DISTILLER -> Math.rint(x * (1 / scale) + zero);
        };
    if (Double.isNaN(rounded)) {
      return Formulas.nanCode(arithmetic) == Formula.NanTo.HIGHEST ? params.qmax() : params.qmin();
    }
    return (int) Math.max(params.qmin(), Math.min(params.qmax(), rounded));
  }
}
