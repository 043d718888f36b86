package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.torch.nn.Concat;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Tensors put together, each brought to the output's scale first. Needs statistics. */
public final class RangeLinearQuantConcatWrapper extends RangeLinearQuantWrapper {
  private final Concat wrapped;

  RangeLinearQuantConcatWrapper(Concat from, Settings settings) {
    super(settings);
    wrapped = child("wrapped_module", from).get();
    sameModeAs(from);
  }

  @Override
  Accumulator accumulate(List<Input> inputs, @Nullable DistillerLinear output) {
    Tensor joined =
        wrapped.call(RescaledInputs.of(inputs, output, wrapperSettings()).toArray(new Tensor[0]));
    return new Accumulator(
        joined, RangeLinearQuantEltwiseAddWrapper.outputScale(output), new long[] {1});
  }

  @Override
  Tensor real(List<Input> inputs) {
    return wrapped.call(inputs.stream().map(Input::real).toArray(Tensor[]::new));
  }
}
