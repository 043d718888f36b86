package dev.octet.torch.train;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Training towards another model's outputs beside the labels: {@code labelWeight · loss + weight ·
 * T² · KL(softmax(teacher / T) ‖ softmax(student / T))}, the divergence being the mean over the
 * batch (Hinton, Vinyals and Dean, 2015).
 *
 * @param teacher used in eval mode, without gradients; usually the float model
 * @param labelWeight of the loss against the labels, not negative
 * @param weight of the teacher, not negative
 * @param temperature T, above 0
 */
public record Distillation(Module teacher, double labelWeight, double weight, double temperature) {
  /** Checks the numbers. */
  public Distillation {
    if (!(labelWeight >= 0 && weight >= 0)
        || !Double.isFinite(labelWeight + weight)
        || !(temperature > 0)) {
      throw new IllegalArgumentException(
          "weights "
              + labelWeight
              + " and "
              + weight
              + " must not be negative, temperature "
              + temperature
              + " must be above 0");
    }
    teacher.eval();
  }

  /**
   * Of weights that add up to one.
   *
   * @param weight of the teacher, in [0, 1]
   */
  public Distillation(Module teacher, double weight, double temperature) {
    this(teacher, 1 - weight, weight, temperature);
  }

  /**
   * The loss that a student's outputs have.
   *
   * @param labelLoss against the labels, one value
   * @param student logits {@code [N, classes]}
   * @param inputs of both models
   */
  public Tensor loss(Tensor labelLoss, Tensor student, Tensor... inputs) {
    Tensor taught;
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      taught = scope.give(torch.log_softmax(scaled(teacher.call(inputs)), 1));
    }
    Tensor divergence =
        torch.kl_div(torch.log_softmax(scaled(student), 1), taught, /* sum */ 2, true);
    double samples = student.size(0);
    return labelLoss
        .mul(new org.bytedeco.pytorch.Scalar(labelWeight))
        .add(
            divergence.mul(
                new org.bytedeco.pytorch.Scalar(weight * temperature * temperature / samples)));
  }

  private Tensor scaled(Tensor logits) {
    return logits.div(new org.bytedeco.pytorch.Scalar(temperature));
  }
}
