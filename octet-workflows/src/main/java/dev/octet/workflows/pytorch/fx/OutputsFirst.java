package dev.octet.workflows.pytorch.fx;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import org.bytedeco.pytorch.Tensor;

/** Shows a weight to an observer with its output channels along axis 0, where PyTorch has them. */
final class OutputsFirst extends Module {
  private final Child<ActivationPostProcess> process;
  private final int axis;

  /**
   * @param axis where the output channels lie
   */
  OutputsFirst(ActivationPostProcess process, int axis) {
    this.process = child("activation_post_process", process);
    this.axis = axis;
  }

  @Override
  protected Tensor forward(Tensor weight) {
    Tensor turned = weight.transpose(0, axis).contiguous();
    return process.call(turned).transpose(0, axis);
  }

  ActivationPostProcess process() {
    return process.get();
  }
}
