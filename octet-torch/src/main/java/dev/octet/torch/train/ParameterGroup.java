package dev.octet.torch.train;

import java.util.Collection;
import java.util.List;
import java.util.OptionalDouble;
import org.bytedeco.pytorch.Tensor;

/**
 * Parameters that an optimizer treats alike.
 *
 * @param parameters not empty
 * @param learningRate the rate before the schedule's factor; not negative
 * @param weightDecay L2 penalty of SGD, decoupled decay of AdamW; not negative
 * @param momentum in place of SGD's, 0 to below 1; empty for that of the optimizer
 */
public record ParameterGroup(
    List<Tensor> parameters, double learningRate, double weightDecay, OptionalDouble momentum) {
  /** Checks the numbers. */
  public ParameterGroup {
    parameters = List.copyOf(parameters);
    if (parameters.isEmpty()) {
      throw new IllegalArgumentException("a group without parameters");
    }
    if (!(learningRate >= 0) || !(weightDecay >= 0)) {
      throw new IllegalArgumentException(
          "learning rate "
              + learningRate
              + " and weight decay "
              + weightDecay
              + " must not be negative");
    }
    if (momentum.isPresent() && !(momentum.getAsDouble() >= 0 && momentum.getAsDouble() < 1)) {
      throw new IllegalArgumentException(
          "momentum " + momentum.getAsDouble() + " is not in [0, 1)");
    }
  }

  /** A group of all of these. */
  public static ParameterGroup of(
      Collection<Tensor> parameters, double learningRate, double weightDecay) {
    return new ParameterGroup(
        List.copyOf(parameters), learningRate, weightDecay, OptionalDouble.empty());
  }
}
