package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A layer without integer weights between integers: a normalisation or an activation function, with
 * ReLU behind it if wanted. The float layer is its child {@code layer}, whose parameters stay
 * float.
 */
public final class QuantizedLayer extends QuantizedModule {
  static final String KIND = "Layer";

  private final Child<Module> layer;
  private final boolean relu;

  QuantizedLayer(
      Module layer, List<QuantParams> inputs, @Nullable QuantParams output, boolean relu) {
    super(inputs, 1, output, false);
    this.layer = child("layer", layer);
    this.relu = relu;
  }

  /** The float layer. */
  public Module layer() {
    return layer.get();
  }

  @Override
  Tensor compute(Tensor... x) {
    Module computing = layer.get();
    if (computing.isTraining()) {
      computing.eval(); // a normalisation goes by what it has learned
    }
    Tensor y = computing.call(x[0]);
    return relu ? Ops.relu(y) : y;
  }

  @Override
  protected Description extraState() {
    return description(KIND).relu(relu).build();
  }

  @Override
  protected String settings() {
    return scaleText().isEmpty() ? "" : scaleText().substring(2);
  }
}
