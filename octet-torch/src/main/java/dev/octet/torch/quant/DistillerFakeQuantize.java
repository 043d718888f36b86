package dev.octet.torch.quant;

import static org.bytedeco.pytorch.global.torch.clamp;
import static org.bytedeco.pytorch.global.torch.where;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.QuantOps;
import dev.octet.torch.op.Tracer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The functions that Intel Distiller trains with: DoReFa (arXiv 1606.06160), PACT (arXiv
 * 1805.06085) and WRPN (arXiv 1709.01134), and rounding inside a range that was observed. All round
 * half to even and let gradients pass straight through the rounding.
 *
 * <p>Activations are recorded by a trace. Weights are not: what a layer makes of a weight is
 * recorded there, with the grid given here.
 */
public final class DistillerFakeQuantize {
  private DistillerFakeQuantize() {}

  /**
   * A range, then integers: {@code x} is cut to {@code [min, max]} and rounded. The gradient passes
   * in {@code [min, max]}, both ends included.
   *
   * @param x float of any width and shape
   * @param min at most {@code max}
   * @param params one scale
   */
  public static Tensor between(Tensor x, float min, float max, QuantParams params) {
    Tensors.check(x, "the tensor to quantize");
    if (!(min <= max)) {
      throw new IllegalArgumentException(
          "the range [" + min + ", " + max + "] is none; give the smaller end first");
    }
    try (Scope scope = Scope.open();
        FakeQuantizer quantizer = FakeQuantizer.of(params)) {
      // In a graph the integers saturate: a clip beforehand says something where it cuts off more.
      boolean saturates = code(min, params) <= params.qmin() && code(max, params) >= params.qmax();
      Tensor within = saturates && Tracer.current() != null ? x : Ops.clamp(x, min, max);
      return scope.give(QuantOps.quantizeDequantize(quantizer.apply(within), within, params));
    }
  }

  /**
   * As {@link #between}, in Distiller's own steps: {@code (rint(scale · x − zeroPoint) + zeroPoint)
   * / scale} of what was cut to {@code [min, max]}, without a limit of the integers. Not recorded
   * by traces.
   *
   * @param scale above 0; with {@code x} in the range it must give integers within ±2^20
   */
  public static Tensor unlimited(Tensor x, float min, float max, float scale, float zeroPoint) {
    Tensors.check(x, "the tensor to quantize");
    try (Scope scope = Scope.open()) {
      Tensor within = clamp(x, FakeQuantize.optional(min), FakeQuantize.optional(max));
      return scope.give(multiplied(within, scale, zeroPoint, -(1 << 20), 1 << 20));
    }
  }

  private static double code(float value, QuantParams params) {
    return Math.rint(value / params.scale(0)) + params.zeroPoint(0);
  }

  /**
   * Activations of DoReFa and WRPN: cut to {@code [0, clip]}, then one of {@code 2^bits} levels.
   * The gradient passes in {@code [0, clip]}.
   *
   * @param clip above 0; the papers' is 1
   * @param bits 1 to 16
   */
  public static Tensor clipped(Tensor x, float clip, int bits) {
    return between(x, 0, clip, levels(clip, bits));
  }

  /**
   * Activations of PACT: as {@link #clipped}, with a clip that learns. The gradient passes strictly
   * between 0 and the clip, whose own gradient is the sum of those at and beyond it.
   *
   * @param alpha one value, above 0
   * @param bits 1 to 16
   */
  public static Tensor learnedClip(Tensor x, Tensor alpha, int bits) {
    Tensors.check(x, "the tensor to quantize");
    if (Tensors.check(alpha, "alpha").numel() != 1) {
      throw new IllegalArgumentException(
          "alpha is " + Tensors.describe(alpha) + "; it must be one value");
    }
    float clip = Tensors.toFloats(alpha)[0];
    QuantParams params = levels(clip, bits);
    try (Scope scope = Scope.open();
        FakeQuantizer quantizer = FakeQuantizer.of(params)) {
      Tensor within = FakeQuantize.clip(x, Tensors.scalar(0), alpha);
      return scope.give(QuantOps.quantizeDequantize(quantizer.apply(within), x, params));
    }
  }

  /**
   * Rounds to integers of any granularity; all of the gradient passes, wherever the value lies.
   *
   * @param params one scale, or one for each index of an axis
   */
  public static Tensor straightThrough(Tensor x, QuantParams params) {
    Tensors.check(x, "the tensor to quantize");
    try (Scope scope = Scope.open();
        FakeQuantizer quantizer = FakeQuantizer.of(params)) {
      Tensor y = x.mul(new Scalar(1.0));
      y.detach().copy_(quantizer.apply(x.detach()));
      return scope.give(y);
    }
  }

  /**
   * Makes sure that there are levels.
   *
   * @throws IllegalArgumentException if the clip is not above 0 and finite, or bits are not 1 to 16
   */
  public static void checkLevels(float clip, int bits) {
    if (!(clip > 0) || Float.isInfinite(clip)) {
      throw new IllegalArgumentException("the clip is " + clip + "; it must be above 0 and finite");
    }
    checkBits(bits, 1);
  }

  /** The {@code 2^bits} levels of {@code [0, clip]}. */
  public static QuantParams levels(float clip, int bits) {
    checkLevels(clip, bits);
    int top = (1 << bits) - 1;
    return QuantParams.affine(clip / top, 0, 0, top);
  }

  /**
   * Weights of DoReFa: {@code t = tanh(w)}, {@code f = t / (2 · max|t|) + 1/2}, {@code 2 · rint(n ·
   * f) / n − 1} with {@code n = 2^bits − 1}: levels of [−1, 1], zero not among them. Gradients flow
   * through tanh and the maximum. One bit: the sign times the mean magnitude, the gradient as it
   * is.
   *
   * @param bits 1 to 16
   */
  public static Tensor dorefaWeight(Tensor weight, int bits) {
    Tensors.check(weight, "the weight");
    int top = (1 << checkBits(bits, 1)) - 1;
    try (Scope scope = Scope.open()) {
      if (bits == 1) {
        return scope.give(signs(weight));
      }
      Tensor t = weight.tanh();
      // Of a weight of zeros all are the same level, rather than no number.
      Tensor span = t.abs().max().mul(new Scalar(2.0));
      Tensor f = t.div(clamp(span, FakeQuantize.optional(Float.MIN_NORMAL))).add(new Scalar(0.5));
      Tensor level = multiplied(f, top, 0, 0, top);
      return scope.give(level.mul(new Scalar(2.0)).sub(new Scalar(1.0)));
    }
  }

  private static Tensor signs(Tensor weight) {
    Tensor y = weight.mul(new Scalar(1.0));
    try (Torch.Switched noGrad = Torch.noGrad()) {
      Tensor mean = weight.abs().mean();
      y.detach().copy_(where(weight.ge(new Scalar(0.0)), mean, mean.neg()));
    }
    return y;
  }

  /** The grid that {@link #dorefaWeight} puts a weight on; it holds zero besides. */
  public static QuantParams dorefaGrid(Tensor weight, int bits) {
    if (bits == 1) {
      float[] values = Tensors.toFloats(weight);
      double sum = 0;
      for (float value : values) {
        sum += Math.abs(value);
      }
      float mean = (float) (sum / Math.max(1, values.length));
      return QuantParams.affine(mean > 0 ? mean : 1, 0, -1, 1);
    }
    int top = (1 << checkBits(bits, 1)) - 1;
    return QuantParams.affine(1f / top, 0, -top, top);
  }

  /**
   * Weights of WRPN as the paper has it: cut to [−1, 1], then {@code 2^(bits−1) − 1} levels on each
   * side of zero. The gradient passes in [−1, 1].
   *
   * @param bits 2 to 16
   */
  public static Tensor wrpnWeight(Tensor weight, int bits) {
    int top = (1 << (checkBits(bits, 2) - 1)) - 1;
    return cut(weight, top, top);
  }

  /** The grid of {@link #wrpnWeight}. */
  public static QuantParams wrpnGrid(int bits) {
    int top = (1 << (checkBits(bits, 2) - 1)) - 1;
    return QuantParams.affine(1f / top, 0, -top, top);
  }

  /**
   * Weights of WRPN as Distiller's code has it: {@code (2^bits − 1) / 2} steps from zero to one and
   * no limit after rounding, so that the ends round to ±2^(bits−1), beyond what the bits hold.
   *
   * @param bits 2 to 16
   */
  public static Tensor wrpnWeightAsDistiller(Tensor weight, int bits) {
    int half = 1 << (checkBits(bits, 2) - 1);
    return cut(weight, half - 0.5, half);
  }

  private static Tensor cut(Tensor weight, double scale, int top) {
    Tensors.check(weight, "the weight");
    try (Scope scope = Scope.open()) {
      Tensor within = clamp(weight, FakeQuantize.optional(-1.0), FakeQuantize.optional(1.0));
      return scope.give(multiplied(within, scale, 0, -top, top));
    }
  }

  /**
   * {@code (clamp(rint(scale · x − zeroPoint)) + zeroPoint) / scale}, as Distiller places its
   * scale; all of the gradient passes.
   */
  private static Tensor multiplied(Tensor x, double scale, double zeroPoint, int qmin, int qmax) {
    Scalar by = new Scalar(scale);
    Scalar zero = new Scalar(zeroPoint);
    Tensor y = x.mul(new Scalar(1.0));
    try (FakeQuantizer whole = FakeQuantizer.of(QuantParams.affine(1, 0, qmin, qmax))) {
      Tensor shifted = x.detach().mul(by).sub(zero);
      y.detach().copy_(whole.apply(shifted).add(zero).div(by));
    }
    return y;
  }

  private static int checkBits(int bits, int least) {
    if (bits < least || bits > 16) {
      throw new IllegalArgumentException(bits + " bits; choose " + least + " to 16");
    }
    return bits;
  }
}
