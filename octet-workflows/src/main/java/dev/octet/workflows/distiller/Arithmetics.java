package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.torch.Tensors;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Distiller's integer arithmetic on float tensors that hold whole numbers, as the original computes
 * it: float32, rounding after the zero point is subtracted, clamped at the end. {@link
 * DistillerLinear} is the same for arrays.
 */
final class Arithmetics {
  private Arithmetics() {}

  /** The integers of values. */
  static Tensor quantize(Tensor x, DistillerLinear params, long... shape) {
    return requantize(
        x,
        Tensors.of(params.scales(), shape),
        Tensors.of(params.zeroPoints(), shape),
        params.qmin(),
        params.qmax());
  }

  /** {@code clamp(rint(scale · x − zero))}. */
  static Tensor requantize(Tensor x, Tensor scale, Tensor zero, double low, double high) {
    return clamp(x.mul(scale).sub(zero).round(), low, high);
  }

  static Tensor clamp(Tensor x, double low, double high) {
    return x.clamp(new ScalarOptional(new Scalar(low)), new ScalarOptional(new Scalar(high)));
  }

  /** The values of integers: {@code (q + zero) / scale}. */
  static Tensor dequantize(Tensor q, DistillerLinear params, long... shape) {
    return q.add(Tensors.of(params.zeroPoints(), shape)).div(Tensors.of(params.scales(), shape));
  }

  /** Integers whose zero stands for zero: {@code q + zero}. */
  static Tensor centered(Tensor q, DistillerLinear params) {
    return q.add(Tensors.of(params.zeroPoints(), params.zeroPoints().length));
  }

  /** The largest integer of an accumulator. */
  static double accumulatorMax(int bits) {
    return Math.pow(2, bits - 1) - 1;
  }

  /** The smallest integer of an accumulator. */
  static double accumulatorMin(int bits) {
    return -Math.pow(2, bits - 1);
  }

  /** Within what an accumulator holds. */
  static Tensor accumulated(Tensor x, int bits) {
    return clamp(x, accumulatorMin(bits), accumulatorMax(bits));
  }

  /** {@code to / from} for each accumulator scale, approximated if bits for that are given. */
  static float[] factors(float to, float[] from, @Nullable Integer approximationBits) {
    float[] factors = new float[from.length];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = to / from[i];
      if (approximationBits != null) {
        factors[i] = (float) ScaleApproximation.of(factors[i], approximationBits, false).value();
      }
    }
    return factors;
  }
}
