package dev.octet.quantize.adjust;

import dev.octet.core.range.Range;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Input-weight equalization, as PyTorch's graph mode has it: channel {@code j} of a layer's input
 * is multiplied by {@code s_j = sqrt((max W_j - min W_j) / (max X_j - min X_j))} and the weights
 * that it meets are divided by it, so that both use their integers about equally well.
 *
 * <p>The multiplication goes into the layer before where that is a linear one, with a Relu or
 * without, whose result nobody else reads; else it becomes a node.
 */
public final class InputWeightEqualization {
  /** Names of nodes that multiply end so. */
  private static final String SUFFIX = "/equalize";

  private InputWeightEqualization() {}

  /** Why the input of {@code layer} cannot be scaled by channel, or null. */
  public static @Nullable String refusal(Node layer) {
    if (!layer.is("Conv") && !layer.is("Gemm") && !layer.is("MatMul")) {
      return "only convolutions and linear layers are equalized";
    }
    return LayerWeights.refusal(layer);
  }

  /** Which axis of the layer's input holds the channels; -1 for the last. */
  public static int channelAxis(Node layer) {
    return layer.is("Conv") ? 1 : -1;
  }

  /** Whether a node was put in by {@link #apply}. */
  public static boolean made(Node node) {
    return node.is("Mul") && node.name().endsWith(SUFFIX);
  }

  /**
   * The factors; 1 where a width is zero.
   *
   * @param inputs the range of each channel of the input
   * @throws IllegalArgumentException if there are not as many as the layer has input channels
   */
  public static double[] factors(Node layer, List<Range> inputs) {
    List<Range> weights = weightRanges(layer);
    if (weights.size() != inputs.size()) {
      throw new IllegalArgumentException(
          "'%s' has %d input channels; ranges of %d are given"
              .formatted(layer.label(), weights.size(), inputs.size()));
    }
    double[] factors = new double[weights.size()];
    for (int i = 0; i < factors.length; i++) {
      double factor = Math.sqrt(width(weights.get(i)) / width(inputs.get(i)));
      factors[i] = factor > 0 && Double.isFinite(factor) ? factor : 1;
    }
    return factors;
  }

  private static double width(Range range) {
    return (double) range.max() - range.min();
  }

  /** The range of the weights that each input channel meets, of a layer that is not refused. */
  public static List<Range> weightRanges(Node layer) {
    return LayerWeights.of(layer).inputRanges();
  }

  /** Scales the input of {@code layer}; the graph computes what it did, up to rounding. */
  public static void apply(Node layer, double[] factors) {
    Value input = layer.input(0);
    if (input == null) {
      throw new IllegalArgumentException("'" + layer.label() + "' has no input");
    }
    double[] inverse = new double[factors.length];
    for (int i = 0; i < inverse.length; i++) {
      inverse[i] = 1 / factors[i];
    }
    LayerWeights weights = LayerWeights.of(layer);
    weights.multiplyInputs(inverse);
    weights.writeTo(layer);
    boolean alone = input.onlyConsumer() == layer && input.uses().size() == 1;
    if (alone && !layer.is("Conv") && FeatureFactor.refusal(input, factors.length) == null) {
      FeatureFactor.divide(input, inverse);
      return;
    }
    Node before = alone && layer.is("Conv") ? convolutionBefore(input, factors.length) : null;
    if (before != null) {
      LayerWeights outputs = LayerWeights.of(before);
      outputs.divideOutputs(inverse);
      outputs.writeTo(before);
      return;
    }
    multiply(layer, input, factors);
  }

  private static @Nullable Node convolutionBefore(Value input, int channels) {
    Node maker = input.producer();
    if (maker != null && maker.is("Relu")) {
      Value inner = maker.input(0);
      maker = inner != null && inner.onlyConsumer() == maker ? inner.producer() : null;
    }
    return maker != null
            && maker.is("Conv")
            && LayerWeights.refusal(maker) == null
            && LayerWeights.of(maker).outputs() == channels
        ? maker
        : null;
  }

  private static void multiply(Node layer, Value input, double[] factors) {
    Graph graph = layer.graph();
    Value weight = layer.input(1);
    Tensor window = weight == null ? null : weight.constant();
    int trailing = layer.is("Conv") && window != null ? window.rank() - 2 : 0;
    long[] shape = new long[1 + trailing];
    Arrays.fill(shape, 1);
    shape[0] = factors.length;
    Value scaled = graph.addFresh(input.name() + "_equalized", null);
    graph.add(
        NodeSpec.of("Mul")
            .named(layer.label() + SUFFIX)
            .reads(
                input,
                graph.addConstant(
                    input.name() + "_factors",
                    Tensor.ofFloats(LayerWeights.floats(factors), shape)))
            .makes(scaled));
    graph.setInput(layer, 0, scaled);
  }
}
