package dev.octet.torch.script;

import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** Attention, taken apart into matrix products and softmax. */
final class AttentionOperators {

  private AttentionOperators() {}

  static void register(Map<String, Operators.Rule> rules) {
    rules.put("scaled_dot_product_attention", AttentionOperators::scaledDotProduct);
    rules.put("_native_multi_head_attention", AttentionOperators::multiHead);
    rules.put("_transformer_encoder_layer_fwd", AttentionOperators::encoderLayer);
  }

  /** (query, key, value, mask, dropout, causal, scale, grouped). */
  private static void scaledDotProduct(Call c) {
    if (c.number(4, 0) > 0) {
      throw c.refuse("drops out as in training; call eval() before tracing");
    }
    if (c.flag(7, false)) {
      throw c.refuse("shares keys between groups of heads (enable_gqa)");
    }
    TracedTensor query = c.tensor(0);
    TracedTensor key = c.tensor(1);
    double scale = c.number(6, 1 / Math.sqrt(query.size(-1)));
    Value mask = null;
    boolean keep = false;
    if (c.flag(5, false)) {
      Tensor ones = torch.ones(query.size(-2), key.size(-2));
      mask = added(c, new TracedTensor(ones.tril().to(torch.ScalarType.Bool), "", false));
    } else if (c.has(3)) {
      TracedTensor given = c.tensor(3);
      keep = given.type() == DataType.BOOL && !given.isConstant();
      mask =
          given.type() == DataType.BOOL
              ? (keep ? c.in(3) : added(c, given))
              : c.in(3, c.out().type());
    }
    int rank = key.rank();
    long[] order = java.util.stream.LongStream.range(0, rank).toArray();
    order[rank - 2] = rank - 1;
    order[rank - 1] = rank - 2;
    Value keys = c.transpose(c.in(1), order);
    c.returns(attend(c, c.in(0), keys, c.in(2), scale, mask, keep));
  }

  /**
   * softmax(scale q kᵀ + mask) v.
   *
   * @param keep whether the mask says which scores to keep rather than what to add
   */
  private static Value attend(
      Call c, Value q, Value keys, Value v, double scale, @Nullable Value mask, boolean keep) {
    Value scores = c.node("Mul", c.node("MatMul", q, keys), c.scalar(scale));
    if (mask != null) {
      scores =
          keep
              ? c.node("Where", mask, scores, c.scalar(Double.NEGATIVE_INFINITY))
              : c.node("Add", scores, mask);
    }
    return c.node("MatMul", softmax(c, scores), v);
  }

  private static Value softmax(Call c, Value scores) {
    return c.node(NodeSpec.of("Softmax").reads(scores).with("axis", -1));
  }

  /** A constant mask of what to keep, as what to add to the scores. */
  private static Value added(Call c, TracedTensor kept) {
    Tensor zeros = torch.zeros_like(kept.nativeTensor()).to(torch.ScalarType.Float);
    try (Scalar never = new Scalar(Double.NEGATIVE_INFINITY)) {
      Tensor mask = zeros.masked_fill(kept.nativeTensor().logical_not(), never);
      Value value = c.emit().value(new TracedTensor(mask, "", false));
      return c.emit().cast(value, DataType.FLOAT, c.out().type());
    }
  }

  /**
   * The fused self-attention: (query, key, value, width, heads, weights and bias of the three
   * projections, of the last, mask, ...).
   */
  private static void multiHead(Call c) {
    if (c.tensor(0) != c.tensor(1) || c.tensor(0) != c.tensor(2)) {
      throw c.refuse("attends to another tensor than its query in the fused form");
    }
    if (c.has(9)) {
      throw c.refuse("has a mask in the fused form; " + UNFUSED);
    }
    if (c.flag(10)) {
      throw c.refuse("returns its weights in the fused form; " + UNFUSED);
    }
    c.returns(selfAttention(c, c.in(0), c.integer(4), 5));
    c.withhold(1);
  }

  private static final String UNFUSED = "trace with torch.backends.mha.set_fastpath_enabled(False)";

  /** Arguments {@code from} and on: joint weight and bias, then those of the output. */
  private static Value selfAttention(Call c, Value x, long heads, int from) {
    TracedTensor in = c.tensor(0);
    long width = in.size(2) / heads;
    Value joint = LayerOperators.linear(c, in, x, c.tensor(from), c.in(from + 1));
    Value parts =
        c.transpose(c.reshape(joint, in.size(0), in.size(1), 3, heads, width), 2, 0, 3, 1, 4);
    Value[] qkv = new Value[3];
    for (int i = 0; i < 3; i++) {
      qkv[i] = c.node("Gather", parts, c.emit().scalar(DataType.INT64, i));
    }
    Value keys = c.transpose(qkv[1], 0, 1, 3, 2);
    Value mixed = attend(c, qkv[0], keys, qkv[2], 1 / Math.sqrt(width), null, false);
    Value rows = c.reshape(c.transpose(mixed, 0, 2, 1, 3), in.sizes());
    return LayerOperators.linear(c, in, rows, c.tensor(from + 2), c.in(from + 3));
  }

  /**
   * The fused encoder layer: (input, width, heads, weights of the attention (4), gelu?, normalize
   * first?, epsilon, scales and shifts of both normalizations (4), weights of both linear layers
   * (4), mask).
   */
  private static void encoderLayer(Call c) {
    if (c.has(18)) {
      throw c.refuse("has a mask in the fused form; " + UNFUSED);
    }
    Value x = c.in(0);
    TracedTensor shape = c.tensor(0);
    boolean first = c.flag(8);
    Value attended = selfAttention(c, first ? normalized(c, x, 10) : x, c.integer(2), 3);
    x = c.node("Add", x, attended);
    if (!first) {
      x = normalized(c, x, 10);
    }
    Value hidden = first ? normalized(c, x, 12) : x;
    hidden = LayerOperators.linear(c, shape, hidden, c.tensor(14), c.in(15));
    hidden = c.flag(7) ? ArithmeticOperators.gelu(c, hidden, false) : c.node("Relu", hidden);
    hidden = LayerOperators.linear(c, shape, hidden, c.tensor(16), c.in(17));
    x = c.node("Add", x, hidden);
    c.returns(first ? x : normalized(c, x, 12));
  }

  private static Value normalized(Call c, Value x, int scale) {
    return LayerOperators.layerNorm(
        c, x, c.tensor(0), 1, c.in(scale), c.in(scale + 1), c.number(9));
  }
}
