package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.op.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** A product of tensors on integers: {@code Π (x_q + zp_x)}. Needs statistics. */
public final class RangeLinearQuantEltwiseMultWrapper extends RangeLinearQuantWrapper {
  RangeLinearQuantEltwiseMultWrapper(Mul from, Settings settings) {
    super(settings);
    child("wrapped_module", from);
    sameModeAs(from);
  }

  @Override
  Accumulator accumulate(List<Input> inputs, @Nullable DistillerLinear output) {
    Tensor product = Arithmetics.centered(inputs.get(0).codes(), inputs.get(0).params());
    float scale = inputs.get(0).scale();
    for (Input each : inputs.subList(1, inputs.size())) {
      product = product.mul(Arithmetics.centered(each.codes(), each.params()));
      scale *= each.scale();
    }
    return new Accumulator(
        Arithmetics.accumulated(product, wrapperSettings().bitsAccum()),
        new float[] {scale},
        new long[] {1});
  }

  @Override
  Tensor real(List<Input> inputs) {
    Tensor product = inputs.get(0).real();
    for (Input each : inputs.subList(1, inputs.size())) {
      product = Ops.mul(product, each.real());
    }
    return product;
  }
}
