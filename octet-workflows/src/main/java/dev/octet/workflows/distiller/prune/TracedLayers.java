package dev.octet.workflows.distiller.prune;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.torch.nn.Module;
import dev.octet.torch.trace.Trace;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Which layer reads what another computes, from a trace. */
final class TracedLayers {
  private final Graph graph;

  private TracedLayers(Graph graph) {
    this.graph = graph;
  }

  static TracedLayers of(Module model, Tensor... inputs) {
    return new TracedLayers(Trace.of(model).fixedBatch().graph(inputs).graph());
  }

  Graph graph() {
    return graph;
  }

  /** The path of the module that made a node. */
  static String path(Node node) {
    int slash = node.name().lastIndexOf('/');
    return slash < 0 ? "" : node.name().substring(0, slash);
  }

  /**
   * The path of the layer that alone reads what another layer computes, if it is of an operator.
   *
   * @param layer by the name it has without quantizers
   * @param skipping another operator that may be between
   */
  @Nullable String follower(String layer, String skipping, String... operators) {
    Node node = null;
    for (Node each : graph.nodes()) {
      boolean weighted = each.is("Conv") || each.is("Gemm") || each.is("MatMul");
      if (weighted && ParameterNames.floating(path(each)).equals(layer)) {
        node = each;
      }
    }
    while (node != null) {
      Node next = node.output().onlyConsumer();
      if (next == null) {
        return null;
      }
      for (String operator : operators) {
        if (next.is(operator)) {
          return path(next);
        }
      }
      boolean passes =
          next.is(skipping)
              || next.is("QuantizeLinear")
              || next.is("DequantizeLinear")
              || (next.is("Add") && addsConstant(next));
      node = passes ? next : null;
    }
    return null;
  }

  private static boolean addsConstant(Node node) {
    for (Value value : node.inputs()) {
      if (value != null && value.constant() != null) {
        return true;
      }
    }
    return false;
  }
}
