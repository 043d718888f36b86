package dev.octet.workflows.distiller.train;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.op.Tracer;
import dev.octet.torch.quant.DistillerFakeQuantize;
import dev.octet.workflows.distiller.LinearQuantMode;
import org.bytedeco.pytorch.Tensor;

/**
 * Rounds to integers of a range that follows the extremes of the batches it sees in training. With
 * decay {@code d}, {@code biased = d · biased + (1 − d) · extreme} and {@code tracked = biased / (1
 * − d^t)} after t batches (the bias correction of Adam). Values are cut to the range, then rounded.
 * Before the first batch of training there is no range, and values pass as they are.
 *
 * <p>Buffers, one value each: {@code tracked_min_biased}, {@code tracked_min}, {@code
 * tracked_max_biased}, {@code tracked_max}, {@code iter_count}, {@code scale}, {@code zero_point}.
 */
public final class FakeLinearQuantization extends Module {
  private final int bits;
  private final LinearQuantMode mode;
  private final float decay;
  private final Levels levels;
  private final Tensor minBiased = one("tracked_min_biased", 0);
  private final Tensor min = one("tracked_min", 0);
  private final Tensor maxBiased = one("tracked_max_biased", 0);
  private final Tensor max = one("tracked_max", 0);
  private final Tensor count = one("iter_count", 0);
  private final Tensor scale = one("scale", 1);
  private final Tensor zeroPoint = one("zero_point", 0);

  /** A module that rounds as its bits have it. */
  public FakeLinearQuantization(int bits, LinearQuantMode mode, float emaDecay) {
    this(bits, mode, emaDecay, Levels.WITHIN_BITS);
  }

  /**
   * A module.
   *
   * @param bits 2 to 16
   * @param emaDecay in [0, 1)
   */
  public FakeLinearQuantization(int bits, LinearQuantMode mode, float emaDecay, Levels levels) {
    if (bits < 2 || bits > 16) {
      throw new IllegalArgumentException(bits + " bits; choose 2 to 16");
    }
    if (!(emaDecay >= 0 && emaDecay < 1)) {
      throw new IllegalArgumentException("the decay " + emaDecay + " is not in [0, 1)");
    }
    this.bits = bits;
    this.mode = mode;
    this.decay = emaDecay;
    this.levels = levels;
  }

  private Tensor one(String name, float value) {
    try (Scope scope = Scope.open()) {
      return buffer(name, Tensors.of(new float[] {value}, 1));
    }
  }

  private static float value(Tensor buffer) {
    return Tensors.toFloats(buffer)[0];
  }

  /** Whether a batch of training was seen. */
  public boolean hasRange() {
    return value(count) > 0;
  }

  /** The lower end of the range that is tracked. */
  public float trackedMin() {
    return value(min);
  }

  /** The upper end of the range that is tracked. */
  public float trackedMax() {
    return value(max);
  }

  @Override
  protected Tensor forward(Tensor x) {
    if (isTraining() && x.numel() > 0) {
      follow(x);
    }
    if (!hasRange()) {
      if (Tracer.current() != null) {
        throw new TraceException(this + " has no range yet; train before exporting");
      }
      return x;
    }
    float low = trackedMin();
    float high = trackedMax();
    if (mode.isSymmetric()) {
      high = Math.max(Math.abs(low), Math.abs(high));
      low = -high;
    } else {
      low = Math.min(low, 0);
      high = Math.max(high, 0);
    }
    DistillerLinear linear = linear(low, high);
    if (levels == Levels.AS_DISTILLER && Tracer.current() == null) {
      return DistillerFakeQuantize.unlimited(
          x, low, high, linear.scales()[0], linear.zeroPoints()[0]);
    }
    return DistillerFakeQuantize.between(x, low, high, params(linear));
  }

  private void follow(Tensor x) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor plain = x.detach();
      float low = value(plain.min().reshape(1));
      float high = value(plain.max().reshape(1));
      if (!Float.isFinite(low) || !Float.isFinite(high)) {
        throw new IllegalArgumentException(
            Tensors.describe(x)
                + " holds NaN or infinities, so it has no range; lower the learning rate or clip"
                + " the gradients");
      }
      float steps = value(count) + 1;
      float correction = 1 - (float) Math.pow(decay, steps);
      float biasedLow = value(minBiased) * decay + (1 - decay) * low;
      float biasedHigh = value(maxBiased) * decay + (1 - decay) * high;
      set(minBiased, biasedLow);
      set(maxBiased, biasedHigh);
      set(min, biasedLow / correction);
      set(max, biasedHigh / correction);
      set(count, steps);
      DistillerLinear linear = linear(value(min), value(max));
      set(scale, linear.scales()[0]);
      set(zeroPoint, linear.zeroPoints()[0]);
    }
  }

  private static void set(Tensor buffer, float value) {
    buffer.copy_(Tensors.of(new float[] {value}, 1));
  }

  private DistillerLinear linear(float low, float high) {
    return LinearRanges.of(mode, bits, new float[] {low}, new float[] {high});
  }

  private QuantParams params(DistillerLinear linear) {
    // Symmetric ranges of all integers reach half a step beyond the largest one.
    boolean beyond = levels == Levels.AS_DISTILLER && mode == LinearQuantMode.SYMMETRIC;
    return QuantParams.affine(
        1 / linear.scales()[0],
        (int) -linear.zeroPoints()[0],
        linear.qmin(),
        linear.qmax() + (beyond ? 1 : 0));
  }

  @Override
  protected String settings() {
    return "num_bits=" + bits + ", mode=" + mode + ", ema_decay=" + decay;
  }
}
