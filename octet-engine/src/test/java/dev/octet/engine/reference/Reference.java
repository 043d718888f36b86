package dev.octet.engine.reference;

import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.fold.Evaluator;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs models as ONNX defines them, one node after the other, without any concern for time.
 *
 * <p>Nested graphs are not run. A node that cannot be computed is an {@link
 * IllegalArgumentException} that names it.
 */
public final class Reference {

  private Reference() {}

  /** Every tensor of {@code model} by name, inputs and weights included. */
  public static Map<String, Tensor> run(Model model, Map<String, Tensor> inputs) {
    Map<String, Tensor> tensors = given(model, inputs);
    for (Node node : model.graph().nodes()) {
      tensors.putAll(step(model, node, tensors));
    }
    return tensors;
  }

  /**
   * The tensors that {@code node} makes of those it reads.
   *
   * @param tensors at least what the node reads, by name
   */
  public static Map<String, Tensor> step(Model model, Node node, Map<String, Tensor> tensors) {
    List<@Nullable Tensor> reads = new ArrayList<>();
    for (Value value : node.inputs()) {
      reads.add(value == null ? null : known(tensors, value, node));
    }
    List<Tensor> computed = compute(new Call(node, reads, model.opset()));
    Map<String, Tensor> made = new LinkedHashMap<>();
    for (int i = 0; i < node.outputs().size(); i++) {
      Value output = node.outputs().get(i);
      if (output != null) {
        made.put(output.name(), computed.get(i));
      }
    }
    return made;
  }

  /** The outputs of {@code model} by name, in order. */
  public static Map<String, Tensor> outputs(Model model, Map<String, Tensor> inputs) {
    Map<String, Tensor> tensors = run(model, inputs);
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    for (Value output : model.graph().outputs()) {
      outputs.put(output.name(), tensors.get(output.name()));
    }
    return outputs;
  }

  /** {@code inputs} and every initializer of {@code model}, by name. */
  public static Map<String, Tensor> given(Model model, Map<String, Tensor> inputs) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Value value : model.graph().values()) {
      Tensor initializer = value.initializer();
      if (initializer != null) {
        tensors.put(value.name(), initializer);
      }
    }
    tensors.putAll(inputs);
    return tensors;
  }

  /** Whether the operator of {@code node} is known. */
  public static boolean knows(Node node) {
    return Operators.find(node) != null || Evaluator.knows(node);
  }

  private static List<Tensor> compute(Call call) {
    Node node = call.node();
    Operator operator = Operators.find(node);
    try {
      if (operator != null) {
        return operator.apply(call);
      }
      return List.of(Evaluator.evaluate(node, call.inputs()));
    } catch (RuntimeException e) {
      throw new IllegalArgumentException("node '" + node.label() + "' " + call + ": " + e, e);
    }
  }

  private static Tensor known(Map<String, Tensor> tensors, Value value, Node node) {
    Tensor tensor = tensors.get(value.name());
    if (tensor == null) {
      throw new IllegalArgumentException(
          "node '" + node.label() + "' reads '" + value.name() + "', which is not given");
    }
    return tensor;
  }
}
