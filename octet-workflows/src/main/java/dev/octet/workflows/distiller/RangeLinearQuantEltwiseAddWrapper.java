package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.torch.nn.Add;
import dev.octet.torch.op.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** A sum of tensors on integers, each brought to the output's scale first. Needs statistics. */
public final class RangeLinearQuantEltwiseAddWrapper extends RangeLinearQuantWrapper {
  RangeLinearQuantEltwiseAddWrapper(Add from, Settings settings) {
    super(settings);
    child("wrapped_module", from);
    sameModeAs(from);
  }

  @Override
  Accumulator accumulate(List<Input> inputs, @Nullable DistillerLinear output) {
    Tensor sum =
        RescaledInputs.of(inputs, output, wrapperSettings()).stream().reduce(Tensor::add).get();
    Tensor held = Arithmetics.accumulated(sum, wrapperSettings().bitsAccum());
    return new Accumulator(held, outputScale(output), new long[] {1});
  }

  static float[] outputScale(@Nullable DistillerLinear output) {
    return output == null ? new float[] {1} : output.scales();
  }

  @Override
  Tensor real(List<Input> inputs) {
    return inputs.stream().map(Input::real).reduce(Ops::add).get();
  }
}
