package dev.octet.workflows.distiller.prune;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Drops more and more of the elements of the smallest magnitude (Zhu and Gupta, "To prune, or not
 * to prune", 2017): from the first use to the last the level is {@code final + (initial − final) ·
 * (1 − progress)³}.
 */
public final class AutomatedGradualPruner extends ParameterPruner {
  private final double initialSparsity;
  private final double finalSparsity;
  private final List<String> weights;

  /**
   * A pruner.
   *
   * @param initialSparsity in [0, 1]
   * @param finalSparsity in [{@code initialSparsity}, 1]
   * @param weights names of parameters; {@link #OTHERS} for all of two dimensions and more
   */
  public AutomatedGradualPruner(
      String name, double initialSparsity, double finalSparsity, List<String> weights) {
    super(name);
    if (!(initialSparsity >= 0 && initialSparsity <= finalSparsity && finalSparsity <= 1)) {
      throw new IllegalArgumentException(
          "sparsity from "
              + initialSparsity
              + " to "
              + finalSparsity
              + "; it must grow inside [0, 1]");
    }
    if (weights.isEmpty()) {
      throw new IllegalArgumentException("no weights are given; name some, or '*' for all");
    }
    this.initialSparsity = initialSparsity;
    this.finalSparsity = finalSparsity;
    this.weights = List.copyOf(weights);
  }

  /** The part of elements that is zero after an epoch begins, in [0, 1]. */
  public double sparsity(PrunerEpochs at) {
    double left = 1 - at.progress();
    return finalSparsity + (initialSparsity - finalSparsity) * left * left * left;
  }

  @Override
  public void prune(ZerosMaskDict masks, PrunerEpochs at) {
    spread(levels(sparsity(at)), masks)
        .forEach((parameter, level) -> level(masks, parameter, level));
  }

  @Override
  public void check(ZerosMaskDict masks) {
    spread(levels(finalSparsity), masks);
  }

  private Map<String, Double> levels(double level) {
    Map<String, Double> levels = new LinkedHashMap<>();
    weights.forEach(weight -> levels.put(weight, level));
    return levels;
  }
}
