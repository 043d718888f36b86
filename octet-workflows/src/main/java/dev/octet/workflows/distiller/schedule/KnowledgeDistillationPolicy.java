package dev.octet.workflows.distiller.schedule;

import dev.octet.torch.nn.Module;
import dev.octet.torch.train.Distillation;
import dev.octet.torch.train.TrainingCallbacks.Minibatch;
import dev.octet.workflows.distiller.prune.ZerosMaskDict;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Trains towards a teacher's outputs: {@code w_s · loss + w_d · T² · KL(softmax(teacher / T) ‖
 * softmax(student / T))}, the mean over the batch; see {@link Distillation}.
 */
public final class KnowledgeDistillationPolicy implements ScheduledTrainingPolicy {
  private final Distillation distillation;

  /**
   * A policy with weights of one half each at temperature 1.
   *
   * @param teacher stays the caller's to close
   */
  public KnowledgeDistillationPolicy(Module teacher) {
    this(teacher, 1, 0.5, 0.5);
  }

  /**
   * A policy.
   *
   * @param teacher in eval mode from here on; stays the caller's to close
   * @param temperature T, above 0. With few bits 1 does well; 5 was seen to cost points
   * @param distillWeight w_d, not negative
   * @param studentWeight w_s, not negative
   */
  public KnowledgeDistillationPolicy(
      Module teacher, double temperature, double distillWeight, double studentWeight) {
    distillation = new Distillation(teacher, studentWeight, distillWeight, temperature);
  }

  @Override
  public @Nullable PolicyLoss beforeBackwardPass(
      Minibatch at, Tensor output, Tensor loss, ZerosMaskDict masks) {
    Tensor overall = distillation.loss(loss, output, at.inputs().toArray(Tensor[]::new));
    double student = loss.item_double() * distillation.labelWeight();
    Map<String, Double> components = new LinkedHashMap<>();
    components.put("student_loss", student);
    components.put("distillation_loss", overall.item_double() - student);
    return new PolicyLoss(overall, components);
  }
}
