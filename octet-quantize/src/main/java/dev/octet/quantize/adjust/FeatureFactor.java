package dev.octet.quantize.adjust;

import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Rewriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Divides the features of a value, along its last axis, inside of what makes it: a
 * LayerNormalization's scale and shift, a constant that is multiplied, a linear layer's weights;
 * through sums with a constant and functions that scale with their input on the way there.
 */
final class FeatureFactor {
  private static final int SCALE = 1;
  private static final int SHIFT = 2;

  private FeatureFactor() {}

  /** Why the {@code channels} features of {@code value} cannot be divided, or null. */
  static @Nullable String refusal(Value value, int channels) {
    Value at = value;
    while (true) {
      Node maker = at.producer();
      if (maker == null || maker.graph() != value.graph()) {
        return "'" + at.name() + "' is not made by a node";
      }
      if (isNormalization(maker, channels) || isLinear(maker, channels)) {
        return null;
      }
      if (maker.is("Mul") && constantSide(maker, channels) >= 0) {
        return null;
      }
      boolean sum = maker.is("Add") && constantSide(maker, channels) >= 0;
      if (!sum && !maker.is("Relu") && !maker.is("LeakyRelu")) {
        return "'"
            + at.name()
            + "' is made by "
            + maker.op()
            + " '"
            + maker.label()
            + "', which cannot take a factor per feature";
      }
      Value before = maker.input(sum ? 1 - constantSide(maker, channels) : 0);
      if (before == null || before.onlyConsumer() != maker || before.uses().size() != 1) {
        return "'" + before + "' has other readers than '" + maker.label() + "'";
      }
      at = before;
    }
  }

  /** Whether {@code node} normalizes over the last axis, with constants one a feature. */
  static boolean isNormalization(Node node, int channels) {
    // A scale of one dimension means that the last axis alone is normalized, wherever it begins.
    return node.is("LayerNormalization")
        && isRow(node.input(SCALE), channels)
        && (node.input(SHIFT) == null || isRow(node.input(SHIFT), channels))
        && node.outputs().size() == 1;
  }

  /** Divides the features of {@code value}, of which {@link #refusal} had nothing to say. */
  static void divide(Value value, double[] factors) {
    Node maker = value.producer();
    if (maker == null) {
      throw new IllegalStateException("'" + value.name() + "' is not made by a node");
    }
    int channels = factors.length;
    if (maker.is("LayerNormalization")) {
      divideConstant(maker, SCALE, factors);
      if (maker.input(SHIFT) != null) {
        divideConstant(maker, SHIFT, factors);
      }
    } else if (isLinear(maker, channels)) {
      LayerWeights weights = LayerWeights.of(maker);
      weights.divideOutputs(factors);
      weights.writeTo(maker);
    } else if (maker.is("Mul")) {
      divideConstant(maker, constantSide(maker, channels), factors);
    } else {
      Value before = maker.input(0);
      if (maker.is("Add")) {
        int side = constantSide(maker, channels);
        divideConstant(maker, side, factors);
        before = maker.input(1 - side);
      }
      if (before == null) {
        throw new IllegalStateException("'" + maker.label() + "' reads nothing");
      }
      divide(before, factors);
    }
  }

  /**
   * Makes {@code readers} read a second LayerNormalization like the one that makes {@code value}.
   *
   * @return what the second makes
   */
  static Value twin(Value value, List<Node> readers) {
    Node norm = value.producer();
    if (norm == null || !norm.is("LayerNormalization")) {
      throw new IllegalStateException("'" + value.name() + "' is not made by a normalization");
    }
    Graph graph = value.graph();
    Value twin = graph.addFresh(value.name() + "_smooth", value.type());
    String name = norm.name().isEmpty() ? "" : norm.name() + "_smooth";
    graph.add(norm.spec().named(name).makes(twin));
    for (Node reader : readers) {
      graph.setInput(reader, 0, twin);
    }
    return twin;
  }

  private static boolean isLinear(Node node, int channels) {
    return (node.is("MatMul") || node.is("Gemm"))
        && LayerWeights.refusal(node) == null
        && LayerWeights.of(node).outputs() == channels;
  }

  private static boolean isRow(@Nullable Value value, int channels) {
    Tensor tensor = value == null ? null : value.constant();
    return tensor != null
        && tensor.type() == DataType.FLOAT
        && tensor.rank() == 1
        && tensor.dim(0) == channels;
  }

  /** Which input of {@code node} is a constant for each feature, or -1. */
  private static int constantSide(Node node, int channels) {
    for (int side = 0; side < node.inputs().size(); side++) {
      Value value = node.input(side);
      Tensor tensor = value == null ? null : value.constant();
      if (tensor != null
          && tensor.type() == DataType.FLOAT
          && tensor.rank() > 0
          && tensor.elementCount() == channels
          && tensor.dim(-1) == channels) {
        return side;
      }
    }
    return -1;
  }

  private static void divideConstant(Node node, int input, double[] factors) {
    Value value = node.input(input);
    Tensor tensor = value == null ? null : value.constant();
    if (tensor == null) {
      throw new IllegalStateException("'" + value + "' of '" + node.label() + "' is not constant");
    }
    float[] values = tensor.toFloats();
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (values[i] / factors[i]);
    }
    Rewriter.on(node.graph())
        .setConstantInput(
            node, input, node.output().name(), Tensor.ofFloats(values, tensor.shape()));
  }
}
