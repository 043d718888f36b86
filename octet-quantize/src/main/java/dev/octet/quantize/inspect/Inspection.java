package dev.octet.quantize.inspect;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import dev.octet.graph.pass.Passes;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What can be said of a model without running it.
 *
 * @param file the model
 * @param bytes its size, external data left out
 * @param irVersion ONNX's format version
 * @param opsets operator sets by domain
 * @param inputs what callers supply
 * @param outputs what it returns
 * @param parameters number of constant elements, float or integer
 * @param operators how often each operator occurs
 * @param quantized whether the model holds integers already; otherwise what follows is a plan
 * @param recipe the recipe that a plan follows; null without a plan
 * @param layers every node but those that only convert
 * @param tensors every tensor that is stored or passed on as integers, or would be
 * @param warnings of the placer
 */
public record Inspection(
    String file,
    long bytes,
    long irVersion,
    Map<String, Long> opsets,
    List<Port> inputs,
    List<Port> outputs,
    long parameters,
    Map<String, Integer> operators,
    boolean quantized,
    @Nullable String recipe,
    List<Layer> layers,
    List<IntegerTensor> tensors,
    List<String> warnings) {

  public Inspection {
    opsets = Collections.unmodifiableMap(new TreeMap<>(opsets));
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    operators = Collections.unmodifiableMap(new TreeMap<>(operators));
    layers = List.copyOf(layers);
    tensors = List.copyOf(tensors);
    warnings = List.copyOf(warnings);
  }

  /**
   * An input or output.
   *
   * @param name its name
   * @param type element type and shape, in words
   */
  public record Port(String name, String type) {}

  /**
   * A node.
   *
   * @param node its name
   * @param operator its operator type
   * @param quantized whether it computes on integers
   * @param reason why it stays float; null when it is quantized
   */
  public record Layer(String node, String operator, boolean quantized, @Nullable String reason) {}

  /**
   * A tensor as integers.
   *
   * @param name its name
   * @param role weight or activation
   * @param format such as {@code int8 per channel of axis 0}
   * @param scales in words; null in a plan
   */
  public record IntegerTensor(String name, String role, String format, @Nullable String scales) {}

  /**
   * Looks at {@code model}: at its integers, where it has some, or at what {@code recipe} would
   * make of it.
   *
   * @param file what to call it
   * @param bytes its size
   * @param recipe the plan for a float model
   */
  public static Inspection of(String file, long bytes, Model model, Recipe recipe) {
    if (QuantizedModel.holdsIntegers(model.graph())) {
      QuantizedModel found = new QuantizedModel(model.graph());
      return of(file, bytes, model, null, found.layers(), found.tensors(), List.of());
    }
    Model prepared = model.copy();
    Passes.simplify(prepared);
    Placement plan = Placer.place(prepared.graph(), recipe);
    return of(
        file, bytes, model, recipe.name(), layers(prepared, plan), tensors(plan), plan.warnings());
  }

  private static Inspection of(
      String file,
      long bytes,
      Model model,
      @Nullable String recipe,
      List<Layer> layers,
      List<IntegerTensor> tensors,
      List<String> warnings) {
    Graph graph = model.graph();
    Map<String, Integer> operators = new TreeMap<>();
    graph.nodes().forEach(node -> operators.merge(node.op(), 1, Integer::sum));
    long parameters =
        graph.values().stream()
            .map(Value::initializer)
            .filter(tensor -> tensor != null)
            .mapToLong(Tensor::elementCount)
            .sum();
    return new Inspection(
        file,
        bytes,
        model.irVersion(),
        model.opsets(),
        ports(graph.inputs().stream().filter(value -> value.initializer() == null).toList()),
        ports(graph.outputs()),
        parameters,
        operators,
        recipe == null,
        recipe,
        layers,
        tensors,
        warnings);
  }

  private static List<Port> ports(Collection<Value> values) {
    return values.stream()
        .map(
            value -> {
              ValueType type = value.type();
              return new Port(value.name(), type == null ? "of unknown type" : type.toString());
            })
        .toList();
  }

  // ---- a plan ----

  private static List<Layer> layers(Model prepared, Placement plan) {
    List<Layer> layers = new ArrayList<>();
    for (Node node : prepared.graph().nodes()) {
      boolean weights = plan.weights().stream().anyMatch(site -> site.node().equals(node));
      boolean integers = weights || plan.quantized().contains(node);
      String reason =
          integers ? null : plan.kept().getOrDefault(node, "nothing around it is quantized");
      layers.add(new Layer(node.label(), node.op(), integers, reason));
    }
    return layers;
  }

  private static List<IntegerTensor> tensors(Placement plan) {
    List<IntegerTensor> tensors = new ArrayList<>();
    for (Placement.Group group : plan.groups()) {
      String others = group.members().size() > 1 ? " (+" + (group.members().size() - 1) + ")" : "";
      tensors.add(
          new IntegerTensor(group.name() + others, "activation", format(group.descriptor()), null));
    }
    for (Placement.WeightSite site : plan.weights()) {
      tensors.add(
          new IntegerTensor(site.value().name(), "weight", format(site.descriptor()), null));
    }
    return tensors;
  }

  private static String format(QuantDescriptor descriptor) {
    return descriptor.toBuilder().name(null).build().toString();
  }
}
