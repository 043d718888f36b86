package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.EmbeddingOps;
import dev.octet.torch.op.QuantOps;
import dev.octet.torch.op.Tracer;
import org.bytedeco.pytorch.Tensor;

/**
 * A table whose rows are quantized once; what is looked up stands for integers of its scale.
 *
 * <p>State: {@code wrapped_module.weight} holds the values of the integers, {@code w_scale} and
 * {@code w_zero_point} what they are of.
 */
public final class RangeLinearEmbeddingWrapper extends Module {
  private final Embedding table;
  private final Tensor scale;
  private final Tensor zeroPoint;
  private final int qmin;
  private final int qmax;
  private final QuantizedValues values;

  RangeLinearEmbeddingWrapper(Embedding from, DistillerLinear params, QuantizedValues values) {
    this.values = values;
    table = child("wrapped_module", from).get();
    qmin = params.qmin();
    qmax = params.qmax();
    scale = buffer("w_scale", Tensors.of(params.scales(), 1));
    zeroPoint = buffer("w_zero_point", Tensors.of(params.zeroPoints(), 1));
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor weight = from.weight();
      weight.copy_(Arithmetics.dequantize(Arithmetics.quantize(weight, params, 1), params, 1));
    }
    from.requireGrad(false);
    sameModeAs(from);
  }

  @Override
  protected Tensor forward(Tensor indices) {
    if (isTraining()) {
      throw new IllegalStateException(
          "a table that was quantized after training cannot train; call eval() first");
    }
    DistillerLinear params =
        DistillerLinear.of(Tensors.toFloats(scale), Tensors.toFloats(zeroPoint), qmin, qmax);
    Tensor y = table.call(indices);
    if (Tracer.current() != null) {
      QuantParams integers = params.toQuantParams(Granularity.perTensor());
      Tensor weight = QuantOps.quantizeDequantize(table.weight().clone(), table.weight(), integers);
      Tensor rows = EmbeddingOps.embedding(indices, weight, table.paddingIdx(), false, false);
      // The same integers again: what reads the rows then sees where they come from.
      y = QuantOps.quantizeDequantize(rows.clone(), rows, integers);
    }
    values.put(y, params);
    return y;
  }

  @Override
  protected String settings() {
    return "integers from " + qmin + " to " + qmax;
  }
}
