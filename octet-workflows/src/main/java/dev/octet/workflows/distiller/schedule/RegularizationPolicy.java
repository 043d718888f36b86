package dev.octet.workflows.distiller.schedule;

import dev.octet.torch.train.TrainingCallbacks.Minibatch;
import dev.octet.workflows.distiller.prune.ZerosMaskDict;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Adds {@code strength · Σ|w|} of parameters to the loss, which drives weights to zero (L1). */
public final class RegularizationPolicy implements ScheduledTrainingPolicy {
  private final String name;
  private final Map<String, Double> strengths;

  /**
   * A policy.
   *
   * @param name of the loss's component
   * @param strengths by parameter, not negative
   */
  public RegularizationPolicy(String name, Map<String, Double> strengths) {
    this.name = name;
    this.strengths = new LinkedHashMap<>(strengths);
    strengths.forEach(
        (parameter, strength) -> {
          if (!(strength >= 0) || Double.isInfinite(strength)) {
            throw new IllegalArgumentException(
                "the strength of '" + parameter + "' is " + strength + "; choose 0 or more");
          }
        });
  }

  void check(ZerosMaskDict masks) {
    strengths.keySet().forEach(masks::resolve);
  }

  @Override
  public @Nullable PolicyLoss beforeBackwardPass(
      Minibatch at, Tensor output, Tensor loss, ZerosMaskDict masks) {
    Tensor total = loss;
    double added = 0;
    for (Map.Entry<String, Double> each : strengths.entrySet()) {
      Tensor parameter = masks.parameters().get(masks.resolve(each.getKey()));
      if (parameter != null) {
        Tensor penalty = parameter.abs().sum().mul(new Scalar(each.getValue()));
        total = total.add(penalty);
        added += penalty.item_double();
      }
    }
    return new PolicyLoss(total, Map.of(name + "_loss", added));
  }
}
