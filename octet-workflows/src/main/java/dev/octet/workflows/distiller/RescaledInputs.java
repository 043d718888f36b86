package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.torch.Tensors;
import dev.octet.workflows.distiller.RangeLinearQuantWrapper.Input;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Inputs brought to the scale of an output before they meet. */
final class RescaledInputs {
  private RescaledInputs() {}

  /** {@code rint((x_q + zp_x) · scale_out / scale_x)} within the accumulator. */
  static List<Tensor> of(
      List<Input> inputs,
      @Nullable DistillerLinear output,
      RangeLinearQuantWrapper.Settings settings) {
    if (output == null) {
      throw new IllegalStateException("'" + settings.name() + "' has no statistics");
    }
    return inputs.stream()
        .map(
            input ->
                Arithmetics.requantize(
                    Arithmetics.centered(input.codes(), input.params()),
                    Tensors.of(
                        Arithmetics.factors(
                            output.scales()[0],
                            input.params().scales(),
                            settings.scaleApproxMultBits()),
                        1),
                    Tensors.of(new float[] {0}, 1),
                    Arithmetics.accumulatorMin(settings.bitsAccum()),
                    Arithmetics.accumulatorMax(settings.bitsAccum())))
        .toList();
  }
}
