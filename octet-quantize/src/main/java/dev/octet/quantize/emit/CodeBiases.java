package dev.octet.quantize.emit;

import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Match;
import dev.octet.graph.pass.Rewrite;
import dev.octet.graph.pass.Rewriter;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Writes the float bias of a layer whose input, weights and output are quantized as int32 at input
 * scale times weight scale. Integer kernels add it so, and ONNX Runtime rounds it so when it loads
 * the model, whatever the width of the weights: here it is plain to see, and the same in every
 * runtime.
 */
public final class CodeBiases implements Rewrite {
  @Override
  public String name() {
    return "code-biases";
  }

  /** Whether it is an operator whose third input is a bias that integer kernels take. */
  public static boolean takes(Node node) {
    return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm");
  }

  @Override
  public Match match(Node node) {
    Node input = producer(node, 0);
    Node weights = producer(node, 1);
    Tensor bias = constant(node, 2);
    if (!takes(node)
        || bias == null
        || bias.type() != DataType.FLOAT
        || input == null
        || weights == null
        || !input.is("DequantizeLinear")
        || !weights.is("DequantizeLinear")
        || isFloat8(weights)
        || !becomesIntegers(node.output())) {
      return Match.none();
    }
    Tensor inputScale = constant(input, 1);
    Tensor scales = constant(weights, 1);
    if (inputScale == null || inputScale.elementCount() != 1 || scales == null) {
      return Match.refused(
          "the scales of its input and weights are not constants that it can take");
    }
    if (bias.rank() != 1 || (node.is("Gemm") && bias.elementCount() == 1)) {
      return Match.refused("its bias is not one number for each channel");
    }
    if (node.is("Gemm")
        && (node.floatAttribute("alpha", 1) != 1 || node.floatAttribute("beta", 1) != 1)) {
      return Match.refused("it multiplies its bias");
    }
    if (node.is("ConvTranspose") && node.intAttribute("group", 1) != 1) {
      return Match.refused("its channels lie in groups");
    }
    if (scales.elementCount() != 1
        && (scales.elementCount() != bias.elementCount()
            || weights.intAttribute("block_size", 0) != 0
            || weights.intAttribute("axis", 1) != channelAxis(node))) {
      return Match.refused("the scales are not those of the output channels");
    }
    float[] steps = steps(inputScale, scales, bias);
    float[] values = bias.toFloats();
    for (int i = 0; i < values.length; i++) {
      if (!(steps[i] > 0) || !(Math.abs((double) values[i] / steps[i]) <= Integer.MAX_VALUE)) {
        return Match.refused("its bias does not fit int32");
      }
    }
    return Match.of(node, input, weights);
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Node node = match.node(0);
    Value old = node.input(2);
    Tensor bias = required(node, 2);
    float[] steps = steps(required(match.node(1), 1), required(match.node(2), 1), bias);
    float[] values = bias.toFloats();
    int[] codes = new int[values.length];
    Arrays.setAll(codes, i -> (int) Math.rint((double) values[i] / steps[i]));
    String stem = old == null ? node.name() + ".bias" : old.name();
    Value real =
        change.add(
            NodeSpec.of("DequantizeLinear")
                .named(stem + "/DQ")
                .reads(
                    change.addConstant(stem + "_q", Tensor.ofInts(codes, codes.length)),
                    change.addConstant(stem + "_s", Tensor.ofFloats(steps, steps.length)))
                .with("axis", 0),
            stem + "_dq");
    change.setInput(node, 2, real);
  }

  /** Whether all that reads the value, through a Relu or Clip perhaps, is a QuantizeLinear. */
  private static boolean becomesIntegers(Value value) {
    if (value.isOutput() || value.uses().isEmpty()) {
      return false;
    }
    Node only = value.onlyConsumer();
    if (only != null && (only.is("Relu") || only.is("Clip"))) {
      return becomesIntegers(only.output());
    }
    return value.consumers().stream().allMatch(reader -> reader.is("QuantizeLinear"));
  }

  /** Whether what is dequantized are constant floats of 8 bits, which no integer kernel takes. */
  static boolean isFloat8(Node dequantize) {
    Tensor codes = constant(dequantize, 0);
    return codes != null
        && switch (codes.type()) {
          case FLOAT8E4M3FN, FLOAT8E5M2 -> true;
          default -> false;
        };
  }

  private static long channelAxis(Node node) {
    boolean second =
        node.is("ConvTranspose") || (node.is("Gemm") && node.intAttribute("transB", 0) == 0);
    return second ? 1 : 0;
  }

  private static float[] steps(Tensor inputScale, Tensor scales, Tensor bias) {
    float input = inputScale.toFloats()[0];
    float[] weights = scales.toFloats();
    float[] steps = new float[Math.toIntExact(bias.elementCount())];
    for (int i = 0; i < steps.length; i++) {
      steps[i] = input * weights[weights.length == 1 ? 0 : i];
    }
    return steps;
  }

  private static @Nullable Node producer(Node node, int index) {
    Value value = node.input(index);
    return value == null ? null : value.producer();
  }

  private static Tensor required(Node node, int index) {
    Tensor tensor = constant(node, index);
    if (tensor == null) {
      throw new IllegalStateException("matched without input " + index + " of " + node.name());
    }
    return tensor;
  }

  private static @Nullable Tensor constant(Node node, int index) {
    Value value = node.input(index);
    return value == null ? null : value.constant();
  }
}
