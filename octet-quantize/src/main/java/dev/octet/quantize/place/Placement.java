package dev.octet.quantize.place;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which tensors of one graph become integers, how, and what stays float and why.
 *
 * <p>Refers to the nodes and values of the graph it was made for, which must not be rewritten
 * between placement and its use.
 *
 * @param groups activations that share one scale and zero point
 * @param weights constants stored as integers
 * @param quantized the nodes that compute on integers, or read 16-bit constants
 * @param kept the nodes that stay float although another choice was open, with the reason
 * @param warnings what the user should know, such as a rule that matched nothing
 */
public record Placement(
    List<Group> groups,
    List<WeightSite> weights,
    Set<Node> quantized,
    Map<Node, String> kept,
    List<String> warnings) {

  public Placement {
    groups = List.copyOf(groups);
    weights = List.copyOf(weights);
    quantized = Collections.unmodifiableSet(new LinkedHashSet<>(quantized));
    kept = Collections.unmodifiableMap(new LinkedHashMap<>(kept));
    warnings = List.copyOf(warnings);
  }

  /**
   * The places that read a member of a group in its rounded form: where a quantized node makes it
   * all, where it exists in float anyway those of quantized nodes; never as a shape, index or
   * limit.
   */
  public List<Value.Use> readers(Value member) {
    Node producer = member.producer();
    boolean integersAtHand = producer != null && quantized.contains(producer);
    return member.uses().stream()
        .filter(use -> integersAtHand || quantized.contains(use.node()))
        .filter(use -> !isSideInput(use))
        .toList();
  }

  private static boolean isSideInput(Value.Use use) {
    return switch (use.node().op()) {
      case "Reshape", "Expand", "Tile", "Slice", "Pad", "Resize", "Unsqueeze", "Squeeze" ->
          use.index() > 0;
      default -> false;
    };
  }

  /**
   * Activations that share parameters because operators between them only move values.
   *
   * @param descriptor how they are quantized
   * @param members the values, in graph order
   * @param measured the members whose observed values decide the range; the others hold nothing
   *     beyond these
   */
  public record Group(QuantDescriptor descriptor, List<Value> members, List<Value> measured) {
    public Group {
      members = List.copyOf(members);
      measured = List.copyOf(measured);
    }

    /** The name it goes by in reports and range files: that of its first member. */
    public String name() {
      return members.get(0).name();
    }
  }

  /**
   * One constant that is stored as integers and turned into real numbers before its node.
   *
   * @param node the node that reads it
   * @param input which of the node's inputs it is
   * @param descriptor how it is quantized
   * @param value the constant; still this one after the node was made to read something else
   */
  public record WeightSite(Node node, int input, QuantDescriptor descriptor, Value value) {
    /** The site of what {@code node} reads now. */
    public WeightSite(Node node, int input, QuantDescriptor descriptor) {
      this(node, input, descriptor, read(node, input));
    }

    private static Value read(Node node, int input) {
      Value value = node.input(input);
      if (value == null) {
        throw new IllegalArgumentException(
            "node '" + node.label() + "' reads nothing as input " + input);
      }
      return value;
    }
  }
}
