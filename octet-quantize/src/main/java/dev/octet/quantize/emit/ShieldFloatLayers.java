package dev.octet.quantize.emit;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Match;
import dev.octet.graph.pass.Rewrite;
import dev.octet.graph.pass.Rewriter;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps ONNX Runtime from rounding weights that are to stay float. At its default level it gives a
 * convolution or Gemm that reads dequantized values, and whose result becomes integers, int8
 * weights of one scale for the whole tensor; before that it folds what it can into the layer, and
 * moves rounding across what only moves values. A Concat of one tensor before the QuantizeLinear
 * ends that: it changes no value, costs ONNX Runtime a copy, and is removed where Octet's engine
 * compiles the model.
 */
public final class ShieldFloatLayers implements Rewrite {
  private static final String SUFFIX = "/float";

  /** What it moves rounding across, or folds into the layer after it. */
  private static final Set<String> MOVES =
      Set.of(
          "Identity",
          "Dropout",
          "Flatten",
          "MaxPool",
          "Pad",
          "Reshape",
          "Slice",
          "Squeeze",
          "Transpose",
          "Unsqueeze");

  /** What may stand between a layer and the rounding of its result besides. */
  private static final Set<String> FOLDED =
      Set.of("Relu", "Clip", "BatchNormalization", "Add", "Sub", "Mul", "Div");

  @Override
  public String name() {
    return "shield-float-layers";
  }

  @Override
  public Match match(Node node) {
    if (!(CodeBiases.takes(node) || node.is("MatMul"))
        || !hasFloatWeights(node)
        || !isDequantizedAsAWhole(node.input(0))) {
      return Match.none();
    }
    Node quantize = quantize(node);
    return quantize == null ? Match.none() : Match.of(node, quantize);
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Node quantize = match.node(1);
    Value real = quantize.input(0);
    if (real == null) {
      throw new IllegalStateException("'" + quantize.label() + "' reads nothing");
    }
    Value same =
        change.add(
            NodeSpec.of("Concat").named(match.node(0).label() + SUFFIX).reads(real).with("axis", 0),
            real.name() + "_float");
    change.setInput(quantize, 0, same);
  }

  /** Floats of 8 bits count: of a layer with those, the bias would be rounded. */
  private static boolean hasFloatWeights(Node layer) {
    Value weight = layer.input(1);
    if (weight == null) {
      return false;
    }
    Tensor constant = weight.constant();
    Node maker = weight.producer();
    return constant != null
        ? constant.type() == DataType.FLOAT
        : maker != null && maker.is("DequantizeLinear") && CodeBiases.isFloat8(maker);
  }

  private static boolean isDequantizedAsAWhole(@Nullable Value input) {
    Node maker = input == null ? null : input.producer();
    while (maker != null && MOVES.contains(maker.op())) {
      Value before = maker.input(0);
      maker = before == null ? null : before.producer();
    }
    Value scale = maker != null && maker.is("DequantizeLinear") ? maker.input(1) : null;
    Tensor constant = scale == null ? null : scale.constant();
    return constant != null && constant.elementCount() == 1;
  }

  /** The QuantizeLinear that alone takes the result, of the layer or of what is folded into it. */
  private static @Nullable Node quantize(Node layer) {
    Node at = layer;
    while (at.output().consumers().size() == 1) {
      at = at.output().consumers().get(0);
      if (at.is("QuantizeLinear")) {
        return at;
      }
      if (!MOVES.contains(at.op()) && !FOLDED.contains(at.op())) {
        return null;
      }
    }
    return null;
  }
}
