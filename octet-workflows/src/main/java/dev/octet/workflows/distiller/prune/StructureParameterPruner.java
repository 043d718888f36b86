package dev.octet.workflows.distiller.prune;

import dev.octet.torch.Tensors;
import dev.octet.workflows.distiller.stats.Structure;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Keeps those parts of parameters that are larger than a threshold. */
public final class StructureParameterPruner extends ParameterPruner {
  /** What is compared with the threshold. */
  public enum Criterion {
    /** The mean magnitude of a part's elements. */
    MEAN_ABS,
    /** The largest magnitude of a part's elements. */
    MAX
  }

  /**
   * What a parameter is held to.
   *
   * @param threshold not negative
   * @param structures a part of any of them is dropped by itself; at least one
   */
  public record Regime(double threshold, List<Structure> structures) {
    public Regime {
      structures = List.copyOf(structures);
      if (!(threshold >= 0) || Double.isInfinite(threshold) || structures.isEmpty()) {
        throw new IllegalArgumentException(
            "the threshold "
                + threshold
                + " for "
                + structures
                + "; give 0 or more, and at least one structure");
      }
    }
  }

  private final Map<String, Regime> regimes;
  private final Criterion criterion;

  /**
   * A pruner.
   *
   * @param regimes by parameter
   */
  public StructureParameterPruner(String name, Map<String, Regime> regimes, Criterion criterion) {
    super(name);
    this.regimes = new LinkedHashMap<>(regimes);
    this.criterion = criterion;
  }

  @Override
  public void prune(ZerosMaskDict masks, PrunerEpochs at, Tensor... inputs) {
    regimes.forEach(
        (parameter, regime) -> {
          float[] values = masks.values(parameter);
          long[] shape = Tensors.shape(masks.parameter(parameter));
          boolean[] kept = new boolean[values.length];
          Arrays.fill(kept, true);
          for (Structure structure : regime.structures()) {
            boolean[] large =
                structure.expand(above(values, shape, structure, regime.threshold()), shape);
            for (int i = 0; i < kept.length; i++) {
              kept[i] &= large[i];
            }
          }
          masks.setMask(parameter, kept);
        });
  }

  private boolean[] above(float[] values, long[] shape, Structure structure, double threshold) {
    int[] parts = structure.parts(shape);
    double[] largest = new double[structure.count(shape)];
    for (int i = 0; i < parts.length; i++) {
      largest[parts[i]] = Math.max(largest[parts[i]], Math.abs(values[i]));
    }
    double[] judged =
        criterion == Criterion.MAX
            ? largest
            : Ranking.sums(values, parts, largest.length, Math::abs);
    double elements = criterion == Criterion.MAX ? 1 : values.length / (double) judged.length;
    boolean[] above = new boolean[judged.length];
    for (int i = 0; i < above.length; i++) {
      above[i] = judged[i] / elements > threshold;
    }
    return above;
  }

  @Override
  public void check(ZerosMaskDict masks) {
    regimes.forEach(
        (parameter, regime) -> {
          long[] shape = Tensors.shape(masks.parameter(parameter));
          regime.structures().forEach(structure -> structure.count(shape));
        });
  }
}
