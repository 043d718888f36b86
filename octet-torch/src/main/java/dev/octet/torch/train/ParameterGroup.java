package dev.octet.torch.train;

import java.util.Collection;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Parameters that an optimizer treats alike.
 *
 * @param parameters not empty
 * @param learningRate the rate before the schedule's factor; not negative
 * @param weightDecay L2 penalty of SGD, decoupled decay of AdamW; not negative
 */
public record ParameterGroup(List<Tensor> parameters, double learningRate, double weightDecay) {
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
  }

  /** A group of all of these. */
  public static ParameterGroup of(
      Collection<Tensor> parameters, double learningRate, double weightDecay) {
    return new ParameterGroup(List.copyOf(parameters), learningRate, weightDecay);
  }
}
