package dev.octet.graph.pattern;

import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.pattern.Unit.Activation;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds layers with what a runtime computes in the same loop: the bias and the activation. */
final class FusedLayers {

  private FusedLayers() {}

  /** The unit whose layer is {@code node}, or null where it is none or nothing follows it. */
  static @Nullable Unit at(Node node) {
    boolean matMul = node.is("MatMul");
    boolean layer =
        matMul
            ? Form.isConstant(node.input(1))
            : node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm");
    if (!layer) {
      return null;
    }
    List<Node> nodes = new ArrayList<>(List.of(node));
    Node bias = matMul ? Form.onlyReader(node, "Add") : null;
    if (bias != null && Form.isConstant(Form.other(bias, node.output()))) {
      nodes.add(bias);
    } else {
      bias = null;
    }
    Activation activation = activation(nodes);
    return nodes.size() == 1 ? null : new Unit.FusedLayer(nodes, node, bias, activation);
  }

  /** The activation after the last of {@code nodes}, to which its nodes are added. */
  private static @Nullable Activation activation(List<Node> nodes) {
    Value result = nodes.get(nodes.size() - 1).output();
    Node gated = gate(result, "Sigmoid", nodes);
    if (gated != null) {
      return Activation.SILU;
    }
    if (gate(result, "HardSigmoid", nodes) != null) {
      return Activation.HARD_SWISH;
    }
    Node next = result.onlyConsumer();
    if (next == null || !next.domain().isEmpty() || next.graph() != result.graph()) {
      return null;
    }
    Activation found =
        switch (next.op()) {
          case "Relu" -> Activation.RELU;
          case "Clip" -> hasFixedBounds(next) ? Activation.CLIP : null;
          case "LeakyRelu" -> Activation.LEAKY_RELU;
          case "Sigmoid" -> Activation.SIGMOID;
          case "Tanh" -> Activation.TANH;
          case "HardSigmoid" -> Activation.HARD_SIGMOID;
          case "HardSwish" -> Activation.HARD_SWISH;
          default -> null;
        };
    if (found != null && next.input(0) == result) {
      nodes.add(next);
      return found;
    }
    return null;
  }

  /** The Mul of {@code x · gate(x)}, added to {@code nodes} with its gate; or null. */
  private static @Nullable Node gate(Value x, String gate, List<Node> nodes) {
    if (x.consumers().size() != 2 || x.isOutput()) {
      return null;
    }
    for (Node reader : x.consumers()) {
      Node product = reader.is(gate) ? Form.onlyReader(reader, "Mul") : null;
      if (product != null && Form.other(product, reader.output()) == x) {
        List<Node> all = new ArrayList<>(nodes);
        all.add(reader);
        all.add(product);
        if (Form.isClosed(all)) {
          nodes.add(reader);
          nodes.add(product);
          return product;
        }
      }
    }
    return null;
  }

  private static boolean hasFixedBounds(Node clip) {
    return clip.inputs().stream().skip(1).allMatch(b -> b == null || Form.isConstant(b));
  }
}
