package dev.octet.workflows.pytorch.fx;

import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pattern.Patterns;
import dev.octet.graph.pattern.Unit;
import dev.octet.graph.shape.Shapes;
import dev.octet.quantize.adjust.InputWeightEqualization;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Divides a graph into operators. */
final class Operators {
  /** The name of a node that keeps apart what is quantized on either side ends so. */
  private static final String BORDER = "/border";

  private static final Set<String> BINARY = Set.of("Add", "Mul", "Sub", "Div", "MatMul");

  private final Graph graph;
  private final ModuleTypes types;
  private final Shapes shapes;
  private final Map<Node, List<Node>> together = new HashMap<>();
  private final Map<Node, String> kinds = new HashMap<>();

  private Operators(Graph graph, ModuleTypes types) {
    this.graph = graph;
    this.types = types;
    this.shapes = Shapes.infer(graph);
  }

  /**
   * The operators of a graph, each after those it reads. Nodes that only keep values apart are left
   * out.
   */
  static List<Op> of(Graph graph, ModuleTypes types) {
    return new Operators(graph, types).find();
  }

  static boolean isBorder(Node node) {
    return node.is("Identity") && node.name().endsWith(BORDER);
  }

  static String borderName(String stem) {
    return stem + BORDER;
  }

  private List<Op> find() {
    for (Unit unit : Patterns.find(graph).units()) {
      if (unit instanceof Unit.Gelu && unit.nodes().size() > 1) {
        join(unit.nodes(), "GELU");
      } else if (unit instanceof Unit.LayerNorm && unit.nodes().size() > 1) {
        join(unit.nodes(), "LayerNorm");
      } else if (unit instanceof Unit.FusedLayer fused && fused.bias() != null) {
        join(List.of(fused.layer(), fused.bias()), "Linear");
      }
    }
    joinLayers();
    Map<Node, Integer> order = new HashMap<>();
    List<Node> nodes = graph.nodes();
    nodes.forEach(node -> order.put(node, order.size()));
    List<Op> ops = new ArrayList<>();
    Set<Node> done = new HashSet<>();
    for (Node node : nodes) {
      List<Node> members = new ArrayList<>(together.getOrDefault(node, List.of(node)));
      members.sort(Comparator.comparing(order::get));
      // Where its last node stands, all that it reads has been computed.
      if (members.get(members.size() - 1) == node && done.addAll(members) && !isApart(node)) {
        ops.add(op(members));
      }
    }
    return ops;
  }

  private static boolean isApart(Node node) {
    return isBorder(node) || InputWeightEqualization.made(node);
  }

  private void join(List<Node> nodes, String kind) {
    if (nodes.stream().noneMatch(together::containsKey)) {
      List<Node> all = List.copyOf(nodes);
      all.forEach(node -> together.put(node, all));
      kinds.put(all.get(0), kind);
    }
  }

  /** Nodes of one call of a layer that is written out are one operator. */
  private void joinLayers() {
    Map<String, List<Node>> byLayer = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      String path = path(node);
      String layer = path == null ? null : types.layer(path);
      if (layer != null && !together.containsKey(node) && !isApart(node)) {
        byLayer.computeIfAbsent(layer, l -> new ArrayList<>()).add(node);
      }
    }
    byLayer.forEach(
        (layer, nodes) -> {
          ModuleTypes.Type type = types.at(layer);
          String kind = type == null ? null : type.kind();
          if (kind != null) {
            connected(nodes).stream()
                .filter(part -> part.size() > 1)
                .forEach(part -> join(part, kind));
          }
        });
  }

  private static List<List<Node>> connected(List<Node> nodes) {
    Map<Node, List<Node>> parts = new LinkedHashMap<>();
    Set<Node> here = new HashSet<>(nodes);
    for (Node node : nodes) {
      List<Node> part = new ArrayList<>(List.of(node));
      for (Value input : node.inputs()) {
        Node producer = input == null ? null : input.producer();
        List<Node> other =
            producer == null || !here.contains(producer) ? null : parts.get(producer);
        if (other != null && other != part) {
          part.addAll(other);
        }
      }
      List<Node> distinct = new ArrayList<>(new LinkedHashSet<>(part));
      distinct.forEach(member -> parts.put(member, distinct));
    }
    return new ArrayList<>(new LinkedHashSet<>(parts.values()));
  }

  private Op op(List<Node> nodes) {
    Node first = nodes.get(0);
    Set<Node> inside = new HashSet<>(nodes);
    List<Value.Use> inputs = new ArrayList<>();
    List<Value.Use> weights = new ArrayList<>();
    List<Value> outputs = new ArrayList<>();
    boolean lone = false;
    for (Node node : nodes) {
      for (int i = 0; i < node.inputs().size(); i++) {
        Value input = node.input(i);
        if (input == null) {
          continue;
        }
        Tensor constant = input.constant();
        if (constant != null) {
          if (isWeight(node, i, constant)) {
            weights.add(new Value.Use(node, i));
          }
          lone |= nodes.size() == 1 && BINARY.contains(node.op()) && constant.elementCount() == 1;
        } else if (!inside.contains(input.producer()) && isData(node, i) && isFloat(input)) {
          inputs.add(new Value.Use(node, i));
        }
      }
      for (Value output : node.outputs()) {
        if (output != null
            && (output.isOutput() || !inside.containsAll(output.consumers()))
            && isFloat(output)) {
          outputs.add(output);
        }
      }
    }
    String path = path(nodes.get(nodes.size() - 1));
    String layer = path == null ? null : types.layer(path);
    return new Op(
        kind(nodes, layer),
        nodes,
        inputs,
        lone,
        weights,
        outputs,
        layer != null ? layer : path != null ? path : name(first),
        layer != null || !types.isTraced());
  }

  private String kind(List<Node> nodes, @Nullable String layer) {
    for (Node node : nodes) {
      String joined = kinds.get(node);
      if (joined != null) {
        return joined;
      }
    }
    String own = OperatorKinds.of(nodes.get(0), shapes);
    ModuleTypes.Type type = layer == null ? null : types.at(layer);
    String named = type == null ? null : type.kind();
    // The rank of a traced value may be unknown, the layer's class is not.
    boolean sameButDims =
        named != null
            && own.length() > 2
            && own.endsWith("d")
            && named.startsWith(own.substring(0, own.length() - 2));
    boolean cell = named != null && named.endsWith("Cell");
    return named != null && (sameButDims || cell) ? named : own;
  }

  /**
   * The path of the module that a node stands for or in; null for nodes of imported graphs that
   * have none in their name.
   */
  private @Nullable String path(Node node) {
    String name = node.name();
    int slash = name.lastIndexOf('/');
    if (slash >= 0) {
      String path = name.substring(0, slash).replace('/', '.');
      return path.startsWith(".") ? path.substring(1) : path;
    }
    return types.isTraced() ? "" : null;
  }

  /** Of nodes without a path: that of their weights, else their own name. */
  private static String name(Node node) {
    for (Value input : node.inputs()) {
      if (input != null && input.constant() != null && input.name().endsWith(".weight")) {
        return input.name().substring(0, input.name().length() - ".weight".length());
      }
    }
    return node.label();
  }

  private static boolean isWeight(Node node, int input, Tensor constant) {
    if (constant.type() != DataType.FLOAT || !node.domain().isEmpty()) {
      return false;
    }
    return switch (node.op()) {
      case "Conv", "ConvTranspose" -> input == 1;
      case "Gemm", "MatMul" -> input == 1 && constant.rank() == 2;
      case "LSTM", "GRU", "RNN" -> input == 1 || input == 2;
      case "Gather" -> input == 0 && constant.rank() == 2 && node.intAttribute("axis", 0) == 0;
      default -> false;
    };
  }

  /** Whether an input carries activations, not shapes, indices, limits or initial states. */
  private static boolean isData(Node node, int input) {
    return input == 0
        || BINARY.contains(node.op())
        || node.is("Concat")
        || node.is("Sum")
        || (node.is("Where") && input > 0);
  }

  private boolean isFloat(Value value) {
    DataType type = shapes.elementType(value);
    return type == null || type == DataType.FLOAT;
  }

  /** All nodes of some operators. */
  static List<Node> nodes(List<Op> ops) {
    List<Node> nodes = new ArrayList<>();
    ops.forEach(op -> nodes.addAll(op.nodes()));
    return Collections.unmodifiableList(nodes);
  }
}
