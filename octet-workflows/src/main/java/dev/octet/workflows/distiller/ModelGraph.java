package dev.octet.workflows.distiller;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.torch.nn.Module;
import dev.octet.torch.trace.Trace;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** How the layers of a model follow each other, from a trace of it. */
final class ModelGraph {
  private final Map<String, List<Node>> byPath = new LinkedHashMap<>();

  private ModelGraph(Graph graph) {
    for (Node node : graph.nodes()) {
      byPath.computeIfAbsent(path(node), path -> new ArrayList<>()).add(node);
    }
  }

  static ModelGraph of(Module model, Tensor[] dummyInputs) {
    return new ModelGraph(Trace.of(model).graph(dummyInputs).graph());
  }

  /** The path of the module that made a node. */
  static String path(Node node) {
    int slash = node.name().lastIndexOf('/');
    return slash < 0 ? "" : node.name().substring(0, slash);
  }

  /** The paths of the modules that computed something, in the order in which they first did. */
  Set<String> paths() {
    return byPath.keySet();
  }

  /** The nodes of a module alone, without those of its children. */
  List<Node> nodes(String path) {
    return byPath.getOrDefault(path, List.of());
  }

  /**
   * The one node that reads what a layer computes; null if there are several, if the layer ran more
   * than once, or if its output is one of the model's.
   */
  @Nullable Node onlySuccessor(String path) {
    Node last = null;
    Set<Node> readers = new LinkedHashSet<>();
    for (Node node : nodes(path)) {
      for (Value value : node.outputs()) {
        if (value == null) {
          continue;
        }
        boolean leaves = value.isOutput();
        for (Node reader : value.consumers()) {
          if (!path(reader).equals(path)) {
            leaves = true;
            readers.add(reader);
          }
        }
        if (value.isOutput() || (leaves && last != null && last != node)) {
          return null;
        }
        if (leaves) {
          last = node;
        }
      }
    }
    return readers.size() == 1 ? readers.iterator().next() : null;
  }

  /** Whether a module ran once and was one node. */
  boolean isOneNode(Node node) {
    return nodes(path(node)).size() == 1;
  }
}
