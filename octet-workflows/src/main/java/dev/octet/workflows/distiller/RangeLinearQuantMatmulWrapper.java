package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.op.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** A matrix product on integers, of batches too: {@code (a_q + zp_a) · (b_q + zp_b)}. */
public final class RangeLinearQuantMatmulWrapper extends RangeLinearQuantWrapper {
  private final MatMul wrapped;

  RangeLinearQuantMatmulWrapper(MatMul from, Settings settings) {
    super(settings);
    wrapped = child("wrapped_module", from).get();
    sameModeAs(from);
  }

  @Override
  Accumulator accumulate(List<Input> inputs, @Nullable DistillerLinear output) {
    if (inputs.size() != 2) {
      throw new IllegalArgumentException("it takes 2 inputs, not " + inputs.size());
    }
    Input a = inputs.get(0);
    Input b = inputs.get(1);
    Tensor product =
        wrapped.call(
            Arithmetics.centered(a.codes(), a.params()),
            Arithmetics.centered(b.codes(), b.params()));
    return new Accumulator(
        Arithmetics.accumulated(product, wrapperSettings().bitsAccum()),
        new float[] {a.scale() * b.scale()},
        new long[] {1});
  }

  @Override
  Tensor real(List<Input> inputs) {
    return Ops.matmul(inputs.get(0).real(), inputs.get(1).real());
  }
}
