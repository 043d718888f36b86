package dev.octet.torch.train;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Training towards another model's outputs beside the labels: {@code (1 - weight) · loss + weight ·
 * T² · KL(softmax(teacher / T) ‖ softmax(student / T))} (Hinton, Vinyals and Dean, 2015).
 *
 * @param teacher used in eval mode, without gradients; usually the float model
 * @param weight of the teacher, in [0, 1]
 * @param temperature T, above 0
 */
public record Distillation(Module teacher, double weight, double temperature) {
  /** Checks the numbers. */
  public Distillation {
    if (!(weight >= 0 && weight <= 1) || !(temperature > 0)) {
      throw new IllegalArgumentException(
          "weight " + weight + " must be in [0, 1], temperature " + temperature + " above 0");
    }
    teacher.eval();
  }

  /** The loss that a student's outputs have, given the loss against the labels. */
  Tensor loss(Tensor labelLoss, Tensor student, Tensor... inputs) {
    Tensor taught;
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      taught = scope.give(torch.log_softmax(scaled(teacher.call(inputs)), 1));
    }
    Tensor divergence =
        torch.kl_div(torch.log_softmax(scaled(student), 1), taught, /* sum */ 2, true);
    double samples = student.size(0);
    return labelLoss
        .mul(new org.bytedeco.pytorch.Scalar(1 - weight))
        .add(
            divergence.mul(
                new org.bytedeco.pytorch.Scalar(weight * temperature * temperature / samples)));
  }

  private Tensor scaled(Tensor logits) {
    return logits.div(new org.bytedeco.pytorch.Scalar(temperature));
  }
}
