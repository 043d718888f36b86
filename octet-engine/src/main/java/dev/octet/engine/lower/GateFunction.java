package dev.octet.engine.lower;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An activation of a recurrent layer, as ONNX defines it.
 *
 * @param kind which
 * @param alpha its first parameter, where it has one
 * @param beta its second
 */
record GateFunction(Kind kind, float alpha, float beta) {
  enum Kind {
    SIGMOID,
    TANH,
    RELU,
    AFFINE,
    LEAKYRELU,
    THRESHOLDEDRELU,
    SCALEDTANH,
    HARDSIGMOID,
    ELU,
    SOFTSIGN,
    SOFTPLUS
  }

  /**
   * The function of this name in lower case, null where there is none.
   *
   * @param alphas parameters not used up by the functions before; what this one takes is removed
   * @param betas the same
   */
  static @Nullable GateFunction of(String name, List<Float> alphas, List<Float> betas) {
    return switch (name) {
      case "sigmoid" -> new GateFunction(Kind.SIGMOID, 0, 0);
      case "tanh" -> new GateFunction(Kind.TANH, 0, 0);
      case "relu" -> new GateFunction(Kind.RELU, 0, 0);
      case "affine" -> new GateFunction(Kind.AFFINE, next(alphas, 1), next(betas, 0));
      case "leakyrelu" -> new GateFunction(Kind.LEAKYRELU, next(alphas, 0.01f), 0);
      case "thresholdedrelu" -> new GateFunction(Kind.THRESHOLDEDRELU, next(alphas, 1), 0);
      case "scaledtanh" -> new GateFunction(Kind.SCALEDTANH, next(alphas, 1), next(betas, 1));
      case "hardsigmoid" ->
          new GateFunction(Kind.HARDSIGMOID, next(alphas, 0.2f), next(betas, 0.5f));
      case "elu" -> new GateFunction(Kind.ELU, next(alphas, 1), 0);
      case "softsign" -> new GateFunction(Kind.SOFTSIGN, 0, 0);
      case "softplus" -> new GateFunction(Kind.SOFTPLUS, 0, 0);
      default -> null;
    };
  }

  private static float next(List<Float> given, float otherwise) {
    return given.isEmpty() ? otherwise : given.remove(0);
  }

  float apply(float x) {
    return switch (kind) {
      case SIGMOID -> (float) (1 / (1 + Math.exp(-x)));
      case TANH -> (float) Math.tanh(x);
      case RELU -> Math.max(x, 0);
      case AFFINE -> alpha * x + beta;
      case LEAKYRELU -> x < 0 ? alpha * x : x;
      case THRESHOLDEDRELU -> x >= alpha ? x : 0;
      case SCALEDTANH -> (float) (alpha * Math.tanh(beta * x));
      case HARDSIGMOID -> Math.min(1, Math.max(0, alpha * x + beta));
      case ELU -> x < 0 ? (float) (alpha * Math.expm1(x)) : x;
      case SOFTSIGN -> x / (1 + Math.abs(x));
      case SOFTPLUS -> (float) (Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))));
    };
  }
}
