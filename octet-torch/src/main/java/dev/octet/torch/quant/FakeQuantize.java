package dev.octet.torch.quant;

import static org.bytedeco.pytorch.global.torch.clamp;
import static org.bytedeco.pytorch.global.torch.where;

import dev.octet.core.affine.AmaxQuantizer;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.format.Float8;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Functions that round a tensor as integers would and let gradients pass ("straight through").
 *
 * <p>Inputs are float of any width; 16 bits are computed in 32, and cast back after dequantization.
 * NaN stays NaN and infinities go to the ends of the range. Those that are called with the same
 * constants over and over have a prepared form, {@link FakeQuantizer}.
 *
 * <p>{@link #amax}, {@link #tensorQuant}, {@link #range}, {@link #e4m3} and {@link #clip} are
 * pytorch-quantization's functions (2.2.1, on the CPU) bit for bit, gradients too. LibTorch's own
 * are in {@link LibTorchFakeQuantize}.
 */
public final class FakeQuantize {
  private static final double TINY = 0x1p-24;

  private FakeQuantize() {}

  /** Rounds with given scales and zero points; see {@link FakeQuantizer}. */
  public static Tensor affine(Tensor x, QuantParams params) {
    try (FakeQuantizer quantizer = FakeQuantizer.of(params)) {
      return quantizer.apply(x);
    }
  }

  /**
   * Rounds to the integers of {@code [-amax, amax]}, as {@code fake_tensor_quant}. The gradient
   * passes where {@code |x| <= amax}.
   *
   * @param amax broadcasts against {@code x}: one value, or size 1 along axes that share; finite
   *     and not negative. It gets no gradient.
   * @param quantizer bits, sign, narrow range
   * @throws IllegalArgumentException also where unsigned integers are given a negative value
   */
  public static Tensor amax(Tensor x, Tensor amax, AmaxQuantizer quantizer) {
    try (AmaxFakeQuantizer prepared = prepare(x, amax, quantizer, false)) {
      return prepared.apply(x);
    }
  }

  /**
   * Integers as floats, and what to divide them by.
   *
   * @param integers in the shape and type of the input, with the gradient of {@link #amax}
   * @param scale {@code B / amax} in the shape of amax; 1 where amax is at most 2^−24
   */
  public record Integers(Tensor integers, Tensor scale) {}

  /** The integers behind {@link #amax}, as {@code tensor_quant}. */
  public static Integers tensorQuant(Tensor x, Tensor amax, AmaxQuantizer quantizer) {
    int exact = exactBits(Tensors.type(Tensors.check(x, "the tensor to quantize")));
    if (quantizer.bits() > exact) {
      throw new IllegalArgumentException(
          "integers of %d bits do not fit %s, which holds those of up to %d; give Float values"
              .formatted(quantizer.bits(), Tensors.describe(x), exact));
    }
    try (Scope scope = Scope.open();
        AmaxFakeQuantizer prepared = prepare(x, amax, quantizer, true)) {
      return new Integers(scope.give(prepared.apply(x)), scope.give(prepared.scale().clone()));
    }
  }

  private static int exactBits(ScalarType type) {
    return switch (type) {
      case Half -> 11;
      case BFloat16 -> 8;
      default -> 16;
    };
  }

  private static AmaxFakeQuantizer prepare(
      Tensor x, Tensor amax, AmaxQuantizer quantizer, boolean integers) {
    checkBroadcast(x, amax);
    return new AmaxFakeQuantizer(amax, quantizer, integers);
  }

  private static void checkBroadcast(Tensor x, Tensor amax) {
    long[] shape = Tensors.shape(Tensors.check(x, "the tensor to quantize"));
    long[] ranges = Tensors.shape(Tensors.check(amax, "amax"));
    boolean fits = ranges.length <= shape.length;
    for (int i = 1; fits && i <= ranges.length; i++) {
      long size = ranges[ranges.length - i];
      fits = size == 1 || size == shape[shape.length - i];
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "amax "
              + Tensors.describe(amax)
              + " does not broadcast against "
              + Tensors.describe(x)
              + "; give size 1 along axes that share a range");
    }
  }

  /**
   * Rounds to a grid of {@code 2^bits} steps from {@code min} to {@code max}, as {@code
   * fake_affine_tensor_quant}. The gradient passes in {@code [min, max]}, both ends included.
   *
   * @throws IllegalArgumentException if min is not below max or the range has no such step
   */
  public static Tensor range(Tensor x, float min, float max, int bits) {
    AmaxQuantizer.fakeQuantizeRange(new float[0], min, max, bits); // refuses what is no range
    Tensors.check(x, "the tensor to quantize");
    try (Scope scope = Scope.open()) {
      float step = (max - min) / ((1 << bits) - 1);
      double first = Math.rint(min / step);
      Scalar steps = new Scalar((double) step);
      Tensor result =
          Floats.widened(
              x,
              wide -> {
                Tensor y = clamp(wide, optional(min), optional(max));
                // Clamp keeps its input for the gradient, so its output may be overwritten.
                Tensor values = y.detach();
                values.copy_(wide.detach());
                values
                    .div_(steps)
                    .round_()
                    .clamp_(optional(first), optional(first + (1 << bits) - 1))
                    .mul_(steps);
                return y;
              });
      return scope.give(result);
    }
  }

  /**
   * Rounds to floats of 8 bits, 4 of them exponent (E4M3, no infinities, largest 448), as {@code
   * scaled_e4m3}. What lies beyond becomes the largest; {@code |x| < 2^−24} becomes 0. The gradient
   * passes where {@code |x| <= amax}.
   *
   * @param amax what is put onto 448, above 2^−24; null for no scale
   */
  public static Tensor e4m3(Tensor x, @Nullable Float amax) {
    float bound = amax == null ? Float8.E4M3FN.maxValue() : amax;
    try (Scope scope = Scope.open()) {
      return scope.give(float8(x, Tensors.scalar(bound), Float8.E4M3FN, false));
    }
  }

  /**
   * Rounds to floats of 8 bits, as {@link #e4m3}.
   *
   * @param amax what is put onto the format's largest value, each above 2^−24; broadcasts against
   *     {@code x}
   * @param divides whether {@code x} is divided by {@code amax / largest}, as runtimes do;
   *     otherwise it is multiplied by {@code largest / amax}, as pytorch-quantization does
   */
  public static Tensor float8(Tensor x, Tensor amax, Float8 format, boolean divides) {
    checkBroadcast(x, amax);
    for (float bound : Tensors.toFloats(amax)) {
      if (!(bound > TINY && bound < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "amax is " + bound + "; it must be finite and above 2^-24");
      }
    }
    float largest = format.maxValue();
    ScalarType stored = format == Float8.E4M3FN ? ScalarType.Float8_e4m3fn : ScalarType.Float8_e5m2;
    try (Scope scope = Scope.open()) {
      Tensor bound = amax.detach();
      Tensor scale =
          divides
              ? bound.div(new Scalar((double) largest))
              : torch.full_like(bound, new Scalar((double) largest)).div(bound);
      Tensor result =
          Floats.widened(
              x,
              wide -> {
                Tensor y = clamp(wide, optional(bound.neg()), optional(bound));
                Tensor plain = wide.detach();
                Tensor rounded =
                    (divides ? plain.div(scale) : plain.mul(scale))
                        .clamp_(optional(-largest), optional(largest))
                        .to(stored)
                        .to(Tensors.type(wide));
                Tensor back = divides ? rounded.mul_(scale) : rounded.div_(scale);
                y.detach()
                    .copy_(back.masked_fill_(plain.abs().lt(new Scalar(TINY)), new Scalar(0.0)));
                return y;
              });
      return scope.give(result);
    }
  }

  /**
   * {@code x} between two bounds that learn (PACT, arXiv 1805.06085): the gradient passes strictly
   * between them; each bound gets the sum of those at and beyond it.
   *
   * @param min one value
   * @param max one value
   */
  public static Tensor clip(Tensor x, Tensor min, Tensor max) {
    Tensors.check(x, "the tensor to clip");
    if (Tensors.check(min, "the lower bound").numel() != 1
        || Tensors.check(max, "the upper bound").numel() != 1) {
      throw new IllegalArgumentException(
          "bounds "
              + Tensors.describe(min)
              + " and "
              + Tensors.describe(max)
              + " are not one value each");
    }
    try (Scope scope = Scope.open()) {
      Tensor result =
          Floats.widened(
              x,
              wide -> {
                Tensor lower = where(wide.le(min), min.reshape(), wide);
                return where(wide.ge(max), max.reshape(), lower);
              });
      return scope.give(result);
    }
  }

  static ScalarOptional optional(double value) {
    return new ScalarOptional(new Scalar(value));
  }

  static TensorOptional optional(Tensor value) {
    return new TensorOptional(value);
  }
}
