package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.workflows.distiller.stats.TensorStats;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * How a tensor of activations is quantized.
 *
 * @param bits null leaves it float
 * @param clipNStds for {@link ClipMode#N_STD}
 * @param halfRange whether a rectifier stands at its end
 */
record ActivationSettings(
    @Nullable Integer bits,
    LinearQuantMode mode,
    ClipMode clip,
    @Nullable Double clipNStds,
    boolean halfRange) {

  /** The same for a tensor that comes from elsewhere than a rectifier of this layer. */
  ActivationSettings withoutHalfRange() {
    return new ActivationSettings(bits, mode, clip, clipNStds, false);
  }

  /** The same, clipped in another way. */
  ActivationSettings with(ClipMode other) {
    return new ActivationSettings(bits, mode, other, clipNStds, halfRange);
  }

  int requiredBits() {
    if (bits == null) {
      throw new IllegalStateException("activations without bits");
    }
    return bits;
  }

  /** Scale and zero point for what statistics say. */
  DistillerLinear params(TensorStats stats, String what) {
    double[] range =
        clip.range(mode.isSymmetric(), requiredBits(), clipNStds, halfRange, stats, what);
    return mode.params(requiredBits(), new double[] {range[0]}, new double[] {range[1]});
  }

  /**
   * Scale and zero point for the values at hand. GAUSS and LAPLACE then start at the true minimum,
   * where statistics have them start at the average one.
   */
  DistillerLinear params(Tensor values, String what) {
    TensorStats seen = Figures.of(values);
    return params(clip == ClipMode.AVG ? seen : seen.withoutSamples(), what);
  }

  /** The same with a given scale and zero point. */
  DistillerLinear with(float scale, float zeroPoint) {
    DistillerLinear integers = mode.params(requiredBits(), new double[] {-1}, new double[] {1});
    return DistillerLinear.of(scale, zeroPoint, integers.qmin(), integers.qmax());
  }
}
