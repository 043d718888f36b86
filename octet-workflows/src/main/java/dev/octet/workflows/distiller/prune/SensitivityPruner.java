package dev.octet.workflows.distiller.prune;

import dev.octet.core.range.Moments;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Keeps what is larger in magnitude than so many standard deviations of the parameter, taken when
 * it is pruned first (Han et al., "Learning both Weights and Connections", 2015).
 */
public final class SensitivityPruner extends ParameterPruner {
  private final Map<String, Double> sensitivities;
  private final Map<String, Double> deviations = new LinkedHashMap<>();

  /**
   * A pruner.
   *
   * @param sensitivities standard deviations by parameter, not negative; {@link #OTHERS} for those
   *     not named
   */
  public SensitivityPruner(String name, Map<String, Double> sensitivities) {
    super(name);
    checkRange("sensitivity", sensitivities, Float.MAX_VALUE);
    this.sensitivities = new LinkedHashMap<>(sensitivities);
  }

  @Override
  public void prune(ZerosMaskDict masks, PrunerEpochs at, Tensor... inputs) {
    spread(sensitivities, masks)
        .forEach(
            (parameter, sensitivity) -> {
              double deviation =
                  deviations.computeIfAbsent(parameter, name -> deviation(masks, name));
              threshold(masks, parameter, deviation * sensitivity);
            });
  }

  private static double deviation(ZerosMaskDict masks, String parameter) {
    Moments moments = new Moments();
    moments.add(masks.values(parameter));
    return moments.standardDeviation();
  }

  @Override
  public void check(ZerosMaskDict masks) {
    spread(sensitivities, masks);
  }

  @Override
  public Map<String, double[]> state() {
    Map<String, double[]> state = new LinkedHashMap<>();
    deviations.forEach((parameter, deviation) -> state.put(parameter, new double[] {deviation}));
    return state;
  }

  @Override
  public void restore(Map<String, double[]> state) {
    deviations.clear();
    state.forEach((parameter, deviation) -> deviations.put(parameter, deviation[0]));
  }
}
