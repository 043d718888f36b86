package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** A layer that computes in float between quantized inputs and a quantized output. */
public final class RangeLinearFakeQuantWrapper extends RangeLinearQuantWrapper {
  private final Module wrapped;
  private final Precision precision;
  private final boolean quantizeInputs;

  RangeLinearFakeQuantWrapper(
      Module from, Settings settings, Precision precision, boolean quantizeInputs) {
    super(settings);
    this.precision = precision;
    this.quantizeInputs = quantizeInputs;
    wrapped = child("wrapped_module", from).get();
    precision.cast(from);
    sameModeAs(from);
  }

  @Override
  boolean quantizesInputs() {
    return quantizeInputs;
  }

  @Override
  Accumulator accumulate(List<Input> inputs, @Nullable DistillerLinear output) {
    return new Accumulator(real(inputs), new float[] {1}, new long[] {1});
  }

  @Override
  Tensor real(List<Input> inputs) {
    Tensor y =
        wrapped.call(
            inputs.stream().map(input -> precision.of(input.real())).toArray(Tensor[]::new));
    if (!y.is_floating_point()) {
      throw new IllegalStateException(
          "'"
              + wrapperSettings().name()
              + "' gives "
              + Tensors.describe(y)
              + ", which is not quantized; override its bits_activations with null");
    }
    return Precision.FP32.of(y);
  }

  @Override
  protected String settings() {
    return super.settings() + ", " + precision;
  }
}
