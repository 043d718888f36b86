package dev.octet.workflows.distiller;

import dev.octet.torch.nn.Conv2d;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * A {@link Conv2d} layer that computes with quantized parameters and trains float copies of them.
 */
final class CopiedConv2d extends Conv2d implements CopiedParameters.Layer {
  private final CopiedParameters copies;

  CopiedConv2d(Conv2d from, Map<String, ParamToQuant> params, ParamRounding quantize) {
    super(from);
    copies =
        CopiedParameters.of(
            params, ownParameters(), quantize, this::share, this::removeParameter, this::buffer);
  }

  @Override
  protected Tensor forward(Tensor x) {
    return compute(
        x, copies.usedWeight(weight(), isTraining()), copies.used("bias", bias(), isTraining()));
  }

  @Override
  public CopiedParameters copies() {
    return copies;
  }

  @Override
  protected void onTrain(boolean on) {
    if (!on) {
      copies.refresh();
    }
  }

  @Override
  protected String settings() {
    return copies.settings(super.settings());
  }
}
