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
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Value value : model.graph().values()) {
      Tensor initializer = value.initializer();
      if (initializer != null) {
        tensors.put(value.name(), initializer);
      }
    }
    tensors.putAll(inputs);
    for (Node node : model.graph().nodes()) {
      List<@Nullable Tensor> reads = new ArrayList<>();
      for (Value value : node.inputs()) {
        reads.add(value == null ? null : known(tensors, value, node));
      }
      List<Tensor> made = compute(new Call(node, reads, model.opset()));
      for (int i = 0; i < node.outputs().size(); i++) {
        Value output = node.outputs().get(i);
        if (output != null) {
          tensors.put(output.name(), made.get(i));
        }
      }
    }
    return tensors;
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
