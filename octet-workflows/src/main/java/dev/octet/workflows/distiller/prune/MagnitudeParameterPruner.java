package dev.octet.workflows.distiller.prune;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Keeps what is larger than a threshold in magnitude. */
public final class MagnitudeParameterPruner extends ParameterPruner {
  private final Map<String, Double> thresholds;

  /**
   * A pruner.
   *
   * @param thresholds by parameter, not negative; {@link #OTHERS} for those not named
   */
  public MagnitudeParameterPruner(String name, Map<String, Double> thresholds) {
    super(name);
    checkRange("threshold", thresholds, Float.MAX_VALUE);
    this.thresholds = new LinkedHashMap<>(thresholds);
  }

  @Override
  public void prune(ZerosMaskDict masks, PrunerEpochs at, Tensor... inputs) {
    spread(thresholds, masks)
        .forEach((parameter, threshold) -> threshold(masks, parameter, threshold));
  }

  @Override
  public void check(ZerosMaskDict masks) {
    spread(thresholds, masks);
  }
}
