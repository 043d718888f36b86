package dev.octet.graph.pass;

import dev.octet.graph.Dimension;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.shape.Shapes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Joins a MatMul by a constant matrix and the Add of a constant bias that follows into one Gemm.
 *
 * <p>Only where it is one: the left side has two dimensions, the right side is a constant {@code
 * [K, N]}, and the bias adds the same to every row ({@code [N]}, {@code [1, N]} or a scalar).
 * MatMul of more dimensions stays, since Gemm has no batch.
 */
public final class MatMulAddToGemm implements Rewrite {
  private final Shapes shapes;

  /** The rewrite for a graph of which {@code shapes} are known. */
  public MatMulAddToGemm(Shapes shapes) {
    this.shapes = shapes;
  }

  @Override
  public String name() {
    return "matmul-add-to-gemm";
  }

  @Override
  public Match match(Node node) {
    Node product = node.is("Add") ? product(node) : null;
    if (product == null) {
      return Match.none();
    }
    Value result = product.output();
    Value left = product.input(0);
    Value bias = bias(node, result);
    if (left == null || bias == null) {
      return Match.none();
    }
    if (product.graph() != node.graph()
        || result.uses().size() != 1
        || Rewriter.isReturned(result)) {
      return Match.refused("'" + result.name() + "' is read elsewhere too");
    }
    Tensor weights = constant(product.input(1));
    if (weights == null || weights.rank() != 2 || !weights.type().isFloat()) {
      return Match.refused("'" + product.input(1) + "' is not a constant matrix of floats");
    }
    List<Dimension> shape = shapes.shape(left);
    if (shape == null || shape.size() != 2) {
      return Match.refused("'" + left.name() + "' is not known to have two dimensions");
    }
    Tensor added = constant(bias);
    if (added == null || !isPerColumn(added, weights.dim(1))) {
      return Match.refused(
          "'" + bias.name() + "' is not a constant of " + weights.dim(1) + " columns");
    }
    return Match.of(product, node);
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Node product = match.node(0);
    Node sum = match.node(1);
    change.exchange(
        sum,
        NodeSpec.of("Gemm")
            .named(product.name())
            .reads(product.input(0), product.input(1), bias(sum, product.output()))
            .makes(sum.output()));
    change.remove(product);
  }

  private static @Nullable Node product(Node sum) {
    for (Value input : sum.inputs()) {
      Node producer = input == null ? null : input.producer();
      if (producer != null && producer.is("MatMul")) {
        return producer;
      }
    }
    return null;
  }

  private static @Nullable Value bias(Node sum, Value result) {
    return sum.input(0) == result ? sum.input(1) : sum.input(0);
  }

  private static @Nullable Tensor constant(@Nullable Value value) {
    return value == null ? null : value.constant();
  }

  private static boolean isPerColumn(Tensor bias, long columns) {
    return bias.rank() <= 2
        && (bias.rank() < 2 || bias.dim(0) == 1)
        && (bias.rank() == 0 || bias.dim(-1) == 1 || bias.dim(-1) == columns);
  }
}
