package dev.octet.workflows.distiller.prune;

import dev.octet.core.range.Moments;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Drops what is below a low threshold, takes back what has grown above a high one, and leaves what
 * is between as it was (Guo et al., "Dynamic Network Surgery", 2016). The thresholds are so many
 * times {@code mean + sensitivity · deviation} of the magnitudes, taken when a parameter is pruned
 * first.
 *
 * <p>What is masked grows only if the optimizer may move it: use {@link Masking#DOUBLE_COPIES}, or
 * {@link Masking#FORWARD_ONLY}, in which it begins at zero in each step.
 */
public final class SplicingPruner extends ParameterPruner {
  private final Map<String, Double> sensitivities;
  private final double low;
  private final double high;
  private final double growth;
  private final Map<String, double[]> magnitudes = new LinkedHashMap<>();

  /**
   * A pruner.
   *
   * @param sensitivities by parameter, not negative; {@link #OTHERS} for those not named
   * @param lowThreshold factor, not negative
   * @param highThreshold factor, at least {@code lowThreshold}
   * @param sensitivityMultiplier how much of itself the sensitivity grows by each epoch; 0 for none
   */
  public SplicingPruner(
      String name,
      Map<String, Double> sensitivities,
      double lowThreshold,
      double highThreshold,
      double sensitivityMultiplier) {
    super(name);
    checkRange("sensitivity", sensitivities, Float.MAX_VALUE);
    if (!(lowThreshold >= 0 && lowThreshold <= highThreshold) || !(sensitivityMultiplier >= 0)) {
      throw new IllegalArgumentException(
          "thresholds of "
              + lowThreshold
              + " and "
              + highThreshold
              + ", growing by "
              + sensitivityMultiplier
              + ": none may be negative, and the low one not above the high one");
    }
    this.sensitivities = new LinkedHashMap<>(sensitivities);
    low = lowThreshold;
    high = highThreshold;
    growth = sensitivityMultiplier;
  }

  @Override
  public void prune(ZerosMaskDict masks, PrunerEpochs at, Tensor... inputs) {
    double grown = 1 + (at.current() - at.starting()) * growth;
    spread(sensitivities, masks)
        .forEach(
            (parameter, sensitivity) -> {
              float[] values = masks.values(parameter);
              double[] of = magnitudes.computeIfAbsent(parameter, name -> moments(values));
              double threshold = of[0] + of[1] * sensitivity * grown;
              boolean[] before = masks.mask(parameter);
              boolean[] kept = new boolean[values.length];
              for (int i = 0; i < kept.length; i++) {
                double magnitude = Math.abs(values[i]);
                boolean stays = before == null || before[i];
                kept[i] = magnitude >= threshold * high || (stays && magnitude >= threshold * low);
              }
              masks.setMask(parameter, kept);
            });
  }

  /** Mean and deviation of the magnitudes. */
  private static double[] moments(float[] values) {
    Moments moments = new Moments();
    for (float value : values) {
      moments.add(Math.abs(value));
    }
    return new double[] {moments.mean(), moments.standardDeviation()};
  }

  @Override
  public void check(ZerosMaskDict masks) {
    spread(sensitivities, masks);
  }

  @Override
  public Map<String, double[]> state() {
    return magnitudes;
  }

  @Override
  public void restore(Map<String, double[]> state) {
    magnitudes.clear();
    magnitudes.putAll(state);
  }
}
