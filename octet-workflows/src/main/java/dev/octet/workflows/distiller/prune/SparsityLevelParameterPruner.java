package dev.octet.workflows.distiller.prune;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Drops a given part of a parameter's elements, those of the smallest magnitude. */
public final class SparsityLevelParameterPruner extends ParameterPruner {
  private final Map<String, Double> levels;

  /**
   * A pruner.
   *
   * @param levels parts in [0, 1] by parameter; {@link #OTHERS} for those not named
   */
  public SparsityLevelParameterPruner(String name, Map<String, Double> levels) {
    super(name);
    checkRange("level", levels, 1);
    this.levels = new LinkedHashMap<>(levels);
  }

  @Override
  public void prune(ZerosMaskDict masks, PrunerEpochs at, Tensor... inputs) {
    spread(levels, masks).forEach((parameter, level) -> level(masks, parameter, level));
  }

  @Override
  public void check(ZerosMaskDict masks) {
    spread(levels, masks);
  }
}
