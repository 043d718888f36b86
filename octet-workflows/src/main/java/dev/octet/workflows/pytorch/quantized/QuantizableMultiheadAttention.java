package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.MultiheadAttention;
import dev.octet.torch.op.Ops;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/**
 * A {@link MultiheadAttention} taken apart: {@code q_proj}, {@code k_proj}, {@code v_proj}, {@code
 * out_proj}, and, which PyTorch's leaves in float, both batched products {@code scores} and {@code
 * mix} and the {@code softmax} between them. Scores are quantized before they are divided by
 * √(features of a head) and masked, so that minus infinity stays what it is.
 */
public final class QuantizableMultiheadAttention extends ProjectedAttention implements Quantizable {
  static final String KIND = "QuantizableMultiheadAttention";

  private final Child<Module> scores;
  private final Child<Module> softmax;
  private final Child<Module> mix;

  QuantizableMultiheadAttention(MultiheadAttention from) {
    this(
        from,
        which -> QuantizableLSTMCell.linear(from.weight(which), from.bias(which)),
        out(from.get(OUT)));
  }

  private QuantizableMultiheadAttention(
      MultiheadAttention like, Function<Projection, Module> make, Module out) {
    super(like, make, out);
    scores = child("scores", MatMul.of());
    softmax = child("softmax", Activation.softmax(3));
    mix = child("mix", MatMul.of());
  }

  private static Module out(Module from) {
    return from instanceof Linear linear
        ? QuantizableLSTMCell.linear(linear.weight(), linear.bias())
        : from;
  }

  static QuantizableMultiheadAttention of(Parts parts, Module layer) {
    MultiheadAttention like = like(layer);
    return parts.under(
        new QuantizableMultiheadAttention(
            like,
            which -> empty(like.embedDim(), parts.child(name(which))),
            empty(like.embedDim(), parts.child(OUT))));
  }

  /** A projection whose parameters are still to be filled. */
  private static Module empty(long features, Parts parts) {
    return Linear.builder(features, features).bias(parts.optional("bias") != null).build();
  }

  @Override
  protected Tensor scaled(Tensor query) {
    return query;
  }

  @Override
  protected Tensor scores(Tensor query, Tensor key) {
    return super.scaled(scores.call(query, Ops.transpose(key, 2, 3)));
  }

  @Override
  protected Tensor softmax(Tensor x) {
    return softmax.call(x);
  }

  @Override
  protected Tensor mix(Tensor weights, Tensor value) {
    return mix.call(weights, value);
  }

  @Override
  protected Description extraState() {
    return new Description.Builder(KIND).build();
  }
}
