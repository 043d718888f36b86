package dev.octet.quantize.place;

import dev.octet.core.recipe.Mode;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.shape.Shapes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Places quantizers in a graph for one target.
 *
 * <p>The rule has two halves. Forward: a value <em>can</em> be integers for free where a quantized
 * node made it, possibly through nodes that only move values. Backward: a value is <em>wanted</em>
 * as integers where a quantized node reads it, possibly through such nodes. Compute nodes quantize
 * what they read; everything else takes part only between the two. So residual sums run in
 * integers, while Softmax, normalization, GELU and the arithmetic of attention masks, which nobody
 * wants as integers, stay float without being named.
 */
public final class Placer {
  private final Graph graph;
  private final TargetTraits traits;
  private final NodeRules rules;
  private final Shapes shapes;

  private final Map<Node, OperatorRole> roles = new HashMap<>();
  private final Set<Node> quantized = new LinkedHashSet<>();
  private final Map<Node, String> kept = new LinkedHashMap<>();
  private final Set<Value> wanted = new LinkedHashSet<>();
  private final Map<Value, Value> groupParent = new HashMap<>();

  private Placer(Graph graph, Recipe recipe) {
    this.graph = graph;
    this.traits = TargetTraits.of(recipe.target());
    this.rules = new NodeRules(recipe, traits);
    this.shapes = Shapes.infer(graph);
  }

  /**
   * Decides for every node and value of the main graph; nested graphs stay float.
   *
   * @throws IllegalArgumentException if two rules of the recipe contradict each other
   */
  public static Placement place(Graph graph, Recipe recipe) {
    return recipe.mode() == Mode.FLOAT16
        ? HalfPlacer.place(graph, recipe)
        : new Placer(graph, recipe).place();
  }

  private Placement place() {
    List<Node> nodes = graph.nodes();
    for (Node node : nodes) {
      roles.put(node, OperatorRole.of(node));
      decideCompute(node);
    }
    boolean activations = rules.quantizesActivations();
    if (activations) {
      Set<Node> able = integerCapable(nodes);
      spreadWants(able);
      explainTheRest(nodes, able);
    }
    List<Placement.WeightSite> weights = new ArrayList<>();
    for (Node node : nodes) {
      addWeight(node, weights);
    }
    if (!activations) {
      explainWithoutActivations(nodes, weights);
    }
    return new Placement(
        activations ? groups() : List.of(), weights, quantized, kept, rules.warnings());
  }

  // ---- which compute nodes ----

  private void decideCompute(Node node) {
    OperatorRole role = role(node);
    if (role != OperatorRole.COMPUTE) {
      return;
    }
    String reason = rules.reasonForFloat(node);
    if (reason == null) {
      reason = unfitCompute(node);
    }
    if (reason == null) {
      quantized.add(node);
    } else {
      kept.put(node, reason);
    }
  }

  private @Nullable String unfitCompute(Node node) {
    Value data = node.input(0);
    Value weight = node.input(1);
    if (data == null || weight == null) {
      return "an input is missing";
    }
    boolean constantWeight = weight.constant() != null;
    if (constantWeight && !Weights.isFloat(weight)) {
      return "its weights are not float";
    }
    if (!rules.quantizesActivations()) {
      return constantWeight ? null : "it has no constant weights";
    }
    if (node.is("MatMul")) {
      if (data.constant() != null) {
        return constantWeight ? "both operands are constant" : "its left operand is constant";
      }
      return constantWeight || multipliesFloats(data, weight)
          ? null
          : "its operands are not known to be float32";
    }
    if (!constantWeight) {
      return "its weights are computed at run time";
    }
    if (node.is("Gemm") && node.intAttribute("transA", 0) != 0) {
      return "its data input is transposed";
    }
    return null;
  }

  /** Both operands of a product have one type, so knowing that of either is enough. */
  private boolean multipliesFloats(Value left, Value right) {
    DataType known = shapes.elementType(left);
    return (known != null ? known : shapes.elementType(right)) == DataType.FLOAT;
  }

  // ---- what can be integers, what is wanted ----

  /** The nodes besides compute nodes that could run on integers, given who makes their inputs. */
  private Set<Node> integerCapable(List<Node> nodes) {
    Set<Node> able = new HashSet<>();
    for (Node node : nodes) {
      boolean can =
          switch (role(node)) {
            case COMPUTE -> quantized.contains(node);
            case BINARY -> dataInputs(node).size() == 2 && allIntegers(dataInputs(node), able);
            case AVERAGE -> allIntegers(dataInputs(node), able);
            case PASS_THROUGH, CONCAT, ACTIVATION -> true;
            default -> false;
          };
      if (can && role(node) != OperatorRole.COMPUTE && rules.reasonForFloat(node) != null) {
        can = false;
      }
      if (can) {
        able.add(node);
      }
    }
    return able;
  }

  /** Whether integers reach every one of {@code inputs} from a compute node or a sum of such. */
  private boolean allIntegers(Collection<Value> inputs, Set<Node> able) {
    Deque<Value> open = new ArrayDeque<>(inputs);
    while (!open.isEmpty()) {
      Node producer = open.remove().producer();
      if (producer == null || !able.contains(producer)) {
        return false;
      }
      switch (role(producer)) {
        case COMPUTE, BINARY -> {}
        default -> open.addAll(dataInputs(producer));
      }
    }
    return true;
  }

  private void spreadWants(Set<Node> able) {
    Deque<Value> open = new ArrayDeque<>();
    for (Node node : graph.nodes()) {
      if (quantized.contains(node)) {
        open.addAll(dataInputs(node));
        if (node.op().startsWith("Conv") && traits.quantizedConvolutionOutput()) {
          open.add(unitOutput(node));
        }
      }
    }
    while (!open.isEmpty()) {
      Value value = open.remove();
      if (value.constant() != null
          || value.uses().isEmpty()
          || rules.keepsFloat(value)
          || !wanted.add(value)) {
        continue;
      }
      Node producer = value.producer();
      if (producer == null || !able.contains(producer)) {
        continue;
      }
      switch (role(producer)) {
        case PASS_THROUGH, CONCAT -> {
          quantized.add(producer);
          for (Value input : dataInputs(producer)) {
            open.add(input);
            join(value, input);
          }
        }
        case ACTIVATION -> {
          if (endsUnit(producer, able)) {
            quantized.add(producer);
          }
        }
        case AVERAGE -> {
          quantized.add(producer);
          open.addAll(dataInputs(producer));
        }
        case BINARY -> {
          quantized.add(producer);
          open.addAll(branches(producer));
        }
        default -> {}
      }
      // A sum seen through its activation: the activation ended the unit, the sum itself is next.
      Node unit = producer;
      if (role(unit) == OperatorRole.ACTIVATION && endsUnit(unit, able)) {
        Node inner = dataInputs(unit).get(0).producer();
        if (inner != null && role(inner) == OperatorRole.BINARY) {
          quantized.add(inner);
          open.addAll(branches(inner));
        }
      }
    }
    takeInActivationsBetweenIntegers(able);
  }

  /** An activation that ends no unit adds no rounding of its own only where integers reach it. */
  private void takeInActivationsBetweenIntegers(Set<Node> able) {
    for (Node node : able) {
      if (role(node) == OperatorRole.ACTIVATION
          && wanted.contains(node.output())
          && wanted.containsAll(dataInputs(node))) {
        quantized.add(node);
      }
    }
  }

  /** The branches of a sum that arrive as integers; the target may want one of them in float. */
  private List<Value> branches(Node sum) {
    List<Value> inputs = dataInputs(sum);
    if (!traits.floatResidualBranch() || !sum.is("Add")) {
      return inputs;
    }
    for (Value input : inputs) {
      Node producer = input.producer();
      if (producer != null
          && role(producer) == OperatorRole.COMPUTE
          && input.onlyConsumer() == sum) {
        return inputs.stream().filter(other -> other != input).toList();
      }
    }
    return inputs;
  }

  /** Whether {@code activation} is the end of a compute node or a sum that nobody else reads. */
  private boolean endsUnit(Node activation, Set<Node> able) {
    Value input = dataInputs(activation).get(0);
    Node producer = input.producer();
    return producer != null
        && able.contains(producer)
        && (role(producer) == OperatorRole.COMPUTE || role(producer) == OperatorRole.BINARY)
        && input.onlyConsumer() == activation;
  }

  /** The output of a compute node, or of the activation that ends its unit. */
  private Value unitOutput(Node node) {
    Value output = node.output();
    Node reader = output.onlyConsumer();
    return reader != null && role(reader) == OperatorRole.ACTIVATION ? reader.output() : output;
  }

  private void explainTheRest(List<Node> nodes, Set<Node> able) {
    for (Node node : nodes) {
      if (quantized.contains(node) || kept.containsKey(node)) {
        continue;
      }
      String rule = rules.reasonForFloat(node);
      if (rule != null) {
        kept.put(node, rule);
        continue;
      }
      switch (role(node)) {
        case BINARY ->
            kept.put(
                node,
                able.contains(node)
                    ? "no quantized node reads its result"
                    : dataInputs(node).size() < 2
                        ? "one of its operands is a constant"
                        : "an operand does not come from a quantized node");
        case ACTIVATION ->
            kept.put(
                node,
                wanted.contains(node.output())
                    ? "its input does not come from a quantized node"
                    : "no quantized node reads its result");
        case AVERAGE ->
            kept.put(
                node,
                able.contains(node)
                    ? "no quantized node reads its result"
                    : "its input does not come from a quantized node");
        case PASS_THROUGH, CONCAT -> kept.put(node, "no quantized node reads its result");
        case RECURRENT -> kept.put(node, "recurrent layers keep float activations");
        case LOOKUP -> kept.put(node, "a lookup computes nothing");
        default -> kept.put(node, FloatReasons.of(node));
      }
    }
  }

  private void explainWithoutActivations(List<Node> nodes, List<Placement.WeightSite> weights) {
    Set<Node> weighted = new HashSet<>();
    weights.forEach(site -> weighted.add(site.node()));
    for (Node node : nodes) {
      if (weighted.contains(node) || kept.containsKey(node)) {
        continue;
      }
      String rule = rules.reasonForFloat(node);
      kept.put(
          node,
          rule != null
              ? rule
              : switch (role(node)) {
                case LOOKUP -> "its table is too small to be worth it";
                case RECURRENT -> "its weights are not float constants";
                case FLOAT -> FloatReasons.of(node);
                default -> "it has no weights, and the recipe quantizes weights only";
              });
    }
  }

  // ---- groups ----

  private List<Placement.Group> groups() {
    Map<Value, List<Value>> members = new LinkedHashMap<>();
    for (Value value : graph.values()) {
      if (wanted.contains(value)) {
        members.computeIfAbsent(find(value), root -> new ArrayList<>()).add(value);
      }
    }
    List<Placement.Group> result = new ArrayList<>();
    for (List<Value> group : members.values()) {
      result.add(new Placement.Group(rules.activation(group.get(0)), group, measured(group)));
    }
    return result;
  }

  /**
   * The members that hold every value of the group: those that no other member is made of, or in
   * their place the Concat that joins them.
   */
  private List<Value> measured(List<Value> group) {
    Set<Value> members = new HashSet<>(group);
    Set<Value> result = new LinkedHashSet<>();
    for (Value value : group) { // in the order of creation, not of computation
      if (!isDerived(value, members)) {
        result.add(value);
      }
    }
    for (Node node : graph.nodes()) {
      if (role(node) == OperatorRole.CONCAT && members.contains(node.output())) {
        dataInputs(node).forEach(result::remove);
        result.add(node.output());
      }
    }
    return List.copyOf(result);
  }

  /** Whether everything in {@code value} comes from other members of its group. */
  private boolean isDerived(Value value, Set<Value> group) {
    Node producer = value.producer();
    if (producer == null || !quantized.contains(producer)) {
      return false;
    }
    OperatorRole role = role(producer);
    return (role == OperatorRole.PASS_THROUGH || role == OperatorRole.CONCAT)
        && group.containsAll(dataInputs(producer));
  }

  private void join(Value a, Value b) {
    Value rootA = find(a);
    Value rootB = find(b);
    if (rootA != rootB) {
      groupParent.put(rootA, rootB);
    }
  }

  private Value find(Value value) {
    Value root = value;
    for (Value up = groupParent.get(root); up != null; up = groupParent.get(root)) {
      root = up;
    }
    return root;
  }

  // ---- weights ----

  private void addWeight(Node node, List<Placement.WeightSite> weights) {
    switch (role(node)) {
      case COMPUTE -> {
        Value weight = node.input(1);
        if (quantized.contains(node) && weight != null && weight.constant() != null) {
          weights.add(new Placement.WeightSite(node, 1, rules.weight(node, weight)));
        }
      }
      case LOOKUP -> {
        Value table = node.input(0);
        if (table != null
            && rules.reasonForFloat(node) == null
            && Weights.isLookupTable(node, table)) {
          weights.add(new Placement.WeightSite(node, 0, rules.weight(node, table)));
        }
      }
      case RECURRENT -> {
        if (rules.reasonForFloat(node) == null) {
          for (int input = 1; input <= 2; input++) {
            Value weight = node.input(input);
            if (weight != null && weight.constant() != null && Weights.isFloat(weight)) {
              weights.add(new Placement.WeightSite(node, input, rules.weight(node, weight)));
            }
          }
        }
      }
      default -> {}
    }
  }

  // ---- questions ----

  private OperatorRole role(Node node) {
    return roles.getOrDefault(node, OperatorRole.FLOAT);
  }

  /** The inputs that carry activations, as opposed to shapes, indices, limits and weights. */
  private List<Value> dataInputs(Node node) {
    List<Value> result = new ArrayList<>();
    int count =
        switch (role(node)) {
          case BINARY, CONCAT -> node.inputs().size();
          case COMPUTE -> node.is("MatMul") ? 2 : 1;
          default -> 1;
        };
    for (int i = 0; i < Math.min(count, node.inputs().size()); i++) {
      Value input = node.input(i);
      if (input != null && input.constant() == null) {
        result.add(input);
      }
    }
    return result;
  }
}
