package dev.octet.workflows.distiller;

import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.distiller.stats.ModelStats;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * Chooses how each layer's output is clipped, one layer after the other in the order in which they
 * run: of {@link ClipMode} NONE, AVG, GAUSS and LAPLACE the one with the least loss of the model,
 * while layers behind still compute in float. Distiller calls it {@code ptq_greedy_search}.
 *
 * <p>It costs four evaluations of the loss a layer, where {@link Lapq} needs hundreds, and keeps
 * asymmetric modes.
 */
public final class GreedyClipSearch {
  private static final List<ClipMode> CHOICES =
      List.of(ClipMode.NONE, ClipMode.AVG, ClipMode.GAUSS, ClipMode.LAPLACE);

  /**
   * What a search found.
   *
   * @param modes what was chosen, by layer; empty if the start was better, which the model then has
   * @param startLoss with the ranges that the quantizer had found
   * @param bestLoss with what the model has now
   * @param evaluations how often the loss was computed
   */
  public record Result(
      Map<String, ClipMode> modes, double startLoss, double bestLoss, int evaluations) {
    /** Copies the map. */
    public Result {
      modes = Collections.unmodifiableMap(new LinkedHashMap<>(modes));
    }
  }

  private final PostTrainLinearQuantizer quantizer;
  private final ToDoubleFunction<Module> loss;
  private int evaluations;

  private GreedyClipSearch(PostTrainLinearQuantizer quantizer, ToDoubleFunction<Module> loss) {
    this.quantizer = quantizer;
    this.loss = loss;
  }

  /**
   * Searches, and leaves the model with the best that was seen.
   *
   * @param quantizer has prepared its model, with statistics and float weights kept; the model is
   *     in eval
   * @param loss of the model: less is better. Called within no scope and without gradients
   * @throws IllegalStateException if the quantizer is not such a one
   */
  public static Result search(PostTrainLinearQuantizer quantizer, ToDoubleFunction<Module> loss) {
    quantizer.requireStatic();
    quantizer.wrappers().requireFloatWeights();
    try (Torch.Switched noGrad = Torch.noGrad()) {
      return new GreedyClipSearch(quantizer, loss).run();
    }
  }

  private Result run() {
    Map<String, float[]> start = quantizer.namedLinearQuantParams();
    double startLoss = loss();
    Map<String, RangeLinearQuantWrapper> wrappers = inOrder();
    Map<String, ClipMode> modes = new LinkedHashMap<>();
    wrappers.values().forEach(wrapper -> wrapper.exact(true));
    try {
      wrappers.forEach(
          (path, wrapper) -> {
            wrapper.exact(false);
            modes.put(path, choose(wrapper));
          });
    } finally {
      wrappers.values().forEach(wrapper -> wrapper.exact(false));
    }
    double found = loss();
    if (found <= startLoss) {
      return new Result(modes, startLoss, found, evaluations);
    }
    quantizer.updateLinearQuantParams(start);
    return new Result(Map.of(), startLoss, startLoss, evaluations);
  }

  private double loss() {
    evaluations++;
    return loss.applyAsDouble(quantizer.model());
  }

  /** Layers with a fixed output, as they were first run; others have nothing to choose. */
  private Map<String, RangeLinearQuantWrapper> inOrder() {
    Map<String, RangeLinearQuantWrapper> wrappers =
        new LinkedHashMap<>(quantizer.wrappers().byPath());
    wrappers.values().removeIf(wrapper -> wrapper.outputParams() == null);
    // Layers with a fixed output have statistics, whose order is that of the first run.
    Map<String, RangeLinearQuantWrapper> ordered = new LinkedHashMap<>();
    ModelStats stats = quantizer.requireStatic();
    for (String path : stats.layers().keySet()) {
      RangeLinearQuantWrapper wrapper = wrappers.get(path);
      if (wrapper != null) {
        ordered.put(path, wrapper);
      }
    }
    return ordered;
  }

  private ClipMode choose(RangeLinearQuantWrapper wrapper) {
    ClipMode best = ClipMode.NONE;
    double least = Double.POSITIVE_INFINITY;
    for (ClipMode mode : CHOICES) {
      try {
        wrapper.clip(mode);
      } catch (IllegalArgumentException e) {
        continue; // more bits than the mode knows, or figures that were not collected
      }
      double value = loss();
      if (value < least) {
        least = value;
        best = mode;
      }
    }
    wrapper.clip(best);
    return best;
  }
}
