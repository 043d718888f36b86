package dev.octet.workflows.distiller.prune;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.Tensor;

/** Drops more and more of the elements of the smallest magnitude: {@link Sparsity#gradual}. */
public final class AutomatedGradualPruner extends ParameterPruner {
  private final Sparsity sparsity;
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
    sparsity = Sparsity.gradual(initialSparsity, finalSparsity);
    this.finalSparsity = finalSparsity;
    this.weights = checkWeights(weights);
  }

  /** The part of elements that is zero after an epoch begins, in [0, 1]. */
  public double sparsity(PrunerEpochs at) {
    return sparsity.at(at, new SplittableRandom(0));
  }

  @Override
  public void prune(ZerosMaskDict masks, PrunerEpochs at, Tensor... inputs) {
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
