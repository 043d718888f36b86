package dev.octet.torch.graph;

import dev.octet.graph.Node;
import dev.octet.torch.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A layer with the BatchNormalization after it, whose weights are rounded as they will be once the
 * two are one (Krishnamoorthi 2018, arXiv 1806.08342, section 3.2.2).
 *
 * <p>In training the layer computes with {@code round(W · gamma / sigma)}, sigma from the running
 * variance; its output is divided by {@code gamma / sigma} again and normalized by the batch, so
 * that the statistics go on being learned. With frozen statistics and in eval mode it computes what
 * the folded layer will.
 */
final class FoldedNorm {
  /** A factor nearer to zero than this counts as this, because it is divided by. */
  private static final double SMALLEST_FACTOR = 1e-12;

  private final Node layer;
  private final Node norm;
  private final long opset;
  private final UnaryOperator<Tensor> round;
  private final @Nullable IntegerBias integerBias;

  FoldedNorm(
      Node layer,
      Node norm,
      long opset,
      UnaryOperator<Tensor> round,
      @Nullable IntegerBias integerBias) {
    this.integerBias = integerBias;
    this.layer = layer;
    this.norm = norm;
    this.opset = opset;
    this.round = round;
  }

  /**
   * Computes the normalized output.
   *
   * @param inputs the layer's three, then scale, bias, mean and variance
   */
  List<Datum> run(List<@Nullable Datum> inputs, Phase phase) {
    Call statistics = new Call(norm, opset, phase, inputs.subList(2, inputs.size()));
    Tensor weight = new Call(layer, opset, phase, inputs).in(1);
    Tensor result =
        phase == Phase.TRAIN
            ? trained(inputs, weight, statistics)
            : folded(inputs, weight, statistics);
    return List.of(Datum.computed(result));
  }

  /** Computed as the graph's pass does it: in float64, rounded once. */
  private Tensor folded(List<@Nullable Datum> inputs, Tensor weight, Call s) {
    Tensor factor = factor(s, ScalarType.Double);
    Tensor offset = s.in(2).to(ScalarType.Double).sub(s.in(3).to(ScalarType.Double).mul(factor));
    Datum bias = inputs.get(2);
    if (bias != null) {
      offset = offset.add(bias(bias).to(ScalarType.Double).mul(factor));
    }
    Tensor folded = scaled(weight.to(ScalarType.Double), factor).to(Tensors.type(weight));
    Tensor shift = offset.to(Tensors.type(weight));
    if (integerBias != null) {
      shift = integerBias.round(shift, folded);
    }
    if (layer.is("Gemm") && layer.floatAttribute("beta", 1) != 1) {
      Tensor product = layer(inputs, folded, null);
      return product.add(perChannel(shift, product));
    }
    return layer(inputs, folded, shift);
  }

  private Tensor trained(List<@Nullable Datum> inputs, Tensor weight, Call s) {
    Tensor exact = factor(s, Tensors.type(weight));
    Tensor factor =
        torch.where(
            exact.abs().lt(new Scalar(SMALLEST_FACTOR)), new Scalar(SMALLEST_FACTOR), exact);
    Tensor product = layer(inputs, scaled(weight, factor), null);
    Tensor plain = product.div(perChannel(factor, product));
    Datum bias = inputs.get(2);
    if (bias != null) {
      plain = plain.add(perChannel(bias(bias), product));
    }
    return torch.batch_norm(
        plain,
        s.optional(1),
        s.optional(2),
        s.optional(3),
        s.optional(4),
        true,
        1 - s.real("momentum", 0.9f),
        s.real("epsilon", 1e-5f),
        false);
  }

  private static Tensor factor(Call s, ScalarType type) {
    Tensor variance = s.in(4).to(type);
    return s.in(1).to(type).div(variance.add(new Scalar(s.real("epsilon", 1e-5f))).sqrt());
  }

  private Tensor bias(Datum bias) {
    double beta =
        layer.is("Gemm") && layer.attribute("beta") != null ? layer.floatAttribute("beta", 1) : 1;
    return bias.tensor().mul(new Scalar(beta)).reshape(-1);
  }

  /** The layer on rounded weights. */
  private Tensor layer(List<@Nullable Datum> inputs, Tensor weight, @Nullable Tensor bias) {
    Datum rounded = Datum.borrowed(round.apply(weight));
    Datum shift = bias == null ? null : Datum.borrowed(bias);
    List<@Nullable Datum> given = new ArrayList<>(Arrays.asList(inputs.get(0), rounded, shift));
    Datum made = Operators.kernel(layer).run(new Call(layer, opset, Phase.EVAL, given)).get(0);
    try {
      return new Tensor(made.tensor());
    } finally {
      made.free();
    }
  }

  /** Weights times the factor of the output channel that they belong to. */
  private Tensor scaled(Tensor weight, Tensor factor) {
    long[] shape = Tensors.shape(weight);
    long[] wide = new long[shape.length];
    Arrays.fill(wide, 1);
    if (layer.is("ConvTranspose")) {
      // [C, M / groups, ...]: channels lie in the second axis within each group of the first.
      long groups = layer.intAttribute("group", 1);
      long[] grouped = new long[shape.length + 1];
      grouped[0] = groups;
      grouped[1] = shape[0] / groups;
      System.arraycopy(shape, 1, grouped, 2, shape.length - 1);
      long[] factors = new long[grouped.length];
      Arrays.fill(factors, 1);
      factors[0] = groups;
      factors[2] = shape[1];
      return weight.reshape(grouped).mul(factor.reshape(factors)).reshape(shape);
    }
    wide[layer.is("Gemm") && layer.intAttribute("transB", 0) == 0 ? 1 : 0] = -1;
    return weight.mul(factor.reshape(wide));
  }

  private static Tensor perChannel(Tensor values, Tensor product) {
    long[] shape = new long[Tensors.shape(product).length];
    Arrays.fill(shape, 1);
    shape[1] = -1;
    return values.reshape(shape);
  }
}
