package dev.octet.torch.graph;

import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.pass.FoldBatchNorm;
import dev.octet.graph.pass.Rewrites;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.torch.nn.Module;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Carries a placement, which looks at a graph with its normalizations folded, over to a graph that
 * may still have them.
 */
final class QuantizerPlacement<M extends Module> {
  private final GraphPlacement<M> placing;
  private final Map<String, M> activations = new LinkedHashMap<>();
  private final Map<String, M> weights = new LinkedHashMap<>();

  /** Layers of the folded graph, and the normalization that went into each in the other. */
  private final Map<Node, Node> norms = new HashMap<>();

  QuantizerPlacement(GraphPlacement<M> placing) {
    this.placing = placing;
  }

  Map<String, M> activations() {
    return Collections.unmodifiableMap(activations);
  }

  Map<String, M> weights() {
    return Collections.unmodifiableMap(weights);
  }

  /** What a weight quantizer is called by: the node's first output. */
  static String key(Node node, int input) {
    boolean recurrent = input == 2; // the second weight of a recurrent layer
    return first(node).name() + (recurrent ? "_recurrent" : "");
  }

  private static Value first(Node node) {
    return node.outputs().stream().filter(Objects::nonNull).findFirst().orElseThrow();
  }

  /** Makes the quantizers and says where they stand in {@code model}. */
  Wiring wire(Model model) {
    Graph graph = model.graph();
    Model folded = model.copy();
    Rewrites.run(folded.graph(), new FoldBatchNorm());
    findFolded(graph, folded.graph());
    Placement placement = placing.place(folded);
    Map<Value, Module> byValue = new LinkedHashMap<>();
    Set<Value.Use> readers = new HashSet<>();
    for (Group group : placement.groups()) {
      M quantizer = placing.activation(group);
      activations.put(group.name(), quantizer);
      for (Value member : group.members()) {
        byValue.put(value(graph, member), quantizer);
        for (Value.Use use : placement.readers(member)) {
          readers.add(new Value.Use(node(graph, use.node()), use.index()));
        }
      }
    }
    Map<Value.Use, Module> byUse = new LinkedHashMap<>();
    Map<Node, Node> normOf = new HashMap<>();
    Set<Node> integerBiases = new HashSet<>();
    for (WeightSite site : placement.weights()) {
      Node layer = node(graph, site.node());
      M quantizer = placing.weight(site);
      if (quantizer == null) {
        continue;
      }
      weights.put(key(site.node(), site.input()), quantizer);
      byUse.put(new Value.Use(layer, site.input()), quantizer);
      if (placing.roundsBias(site)) {
        integerBiases.add(layer);
      }
      Node norm = norms.get(site.node());
      if (norm != null) {
        normOf.put(layer, norm);
      }
    }
    return new Wiring(byValue, readers, byUse, normOf, integerBiases, modules());
  }

  private Map<List<String>, Module> modules() {
    Map<List<String>, Module> modules = new LinkedHashMap<>();
    activations.forEach(
        (name, quantizer) ->
            modules.put(List.of("_activation_quantizers", TorchGraph.escaped(name)), quantizer));
    weights.forEach(
        (name, quantizer) ->
            modules.put(List.of("_weight_quantizers", TorchGraph.escaped(name)), quantizer));
    return modules;
  }

  private void findFolded(Graph graph, Graph folded) {
    for (Node norm : graph.nodes()) {
      Value input = norm.is("BatchNormalization") ? norm.input(0) : null;
      if (input == null) {
        continue;
      }
      // Folding keeps the layer's name for the result, unless the graph returns it.
      Value result = folded.value(norm.output().name());
      Value kept = result == null ? folded.value(input.name()) : result;
      Node layer = kept == null ? null : kept.producer();
      if (layer != null && !layer.is("BatchNormalization")) {
        norms.put(layer, norm);
      }
    }
  }

  private Value value(Graph graph, Value ofFolded) {
    Node producer = ofFolded.producer();
    Node norm = producer == null ? null : norms.get(producer);
    Value found = norm != null ? norm.output() : graph.value(ofFolded.name());
    if (found == null) {
      throw new IllegalStateException("folding made '" + ofFolded.name() + "'");
    }
    return found;
  }

  private Node node(Graph graph, Node ofFolded) {
    Node norm = norms.get(ofFolded);
    Value made = norm != null ? norm.input(0) : graph.value(first(ofFolded).name());
    Node found = made == null ? null : made.producer();
    if (found == null) {
      throw new IllegalStateException("folding made '" + ofFolded.label() + "'");
    }
    return found;
  }
}
