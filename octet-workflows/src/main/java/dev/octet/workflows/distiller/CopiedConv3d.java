package dev.octet.workflows.distiller;

import dev.octet.torch.nn.Conv3d;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * A {@link Conv3d} layer that computes with quantized parameters and trains float copies of them.
 */
final class CopiedConv3d extends Conv3d implements CopiedParameters.Layer {
  private final CopiedParameters copies;

  CopiedConv3d(Conv3d from, Map<String, ParamToQuant> params, ParamRounding quantize) {
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
