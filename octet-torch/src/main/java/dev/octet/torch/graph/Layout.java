package dev.octet.torch.graph;

import dev.octet.core.descriptor.Granularity;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Lays out a graph with its quantizers. */
final class Layout {
  private final long opset;
  private final Wiring wiring;
  private final Program.Builder builder = new Program.Builder();
  private final Map<Value, Integer> rounded = new HashMap<>();
  private final Set<Node> folded;

  Layout(long opset, Wiring wiring) {
    this.opset = opset;
    this.wiring = wiring;
    folded = new HashSet<>(wiring.norms().values());
  }

  void constant(Value value, Datum datum) {
    builder.constant(value, datum);
  }

  /** Adds a node; those that it reads must have been added. */
  void add(Node node, Kernel kernel) {
    if (folded.contains(node)) {
      return;
    }
    int[] inputs = new int[node.inputs().size()];
    for (int i = 0; i < inputs.length; i++) {
      Value value = node.input(i);
      inputs[i] = value == null ? -1 : slot(node, i, value);
    }
    Node norm = wiring.norms().get(node);
    if (norm == null) {
      IntegerBias rounding = integerBias(node);
      if (rounding != null && inputs.length > 2 && inputs[2] >= 0) {
        int bias = inputs[2];
        inputs[2] = builder.fresh();
        builder.step(
            "the bias of node '" + node.label() + "'",
            (data, phase) -> List.of(Datum.computed(rounding.round(at(data, 0), at(data, 1)))),
            new int[] {bias, builder.slot(weight(node))},
            inputs[2]);
      }
      builder.step(node, kernel, opset, inputs);
    } else {
      addFolded(node, norm, inputs);
    }
  }

  private void addFolded(Node layer, Node norm, int[] inputs) {
    Module quantizer = wiring.weights().get(new Value.Use(layer, 1));
    FoldedNorm body =
        new FoldedNorm(
            layer,
            norm,
            opset,
            weight -> quantizer == null ? weight : round(quantizer, weight, layer),
            integerBias(layer));
    int[] statistics = builder.inputs(norm);
    int[] all = {
      inputs[0],
      builder.slot(weight(layer)),
      inputs.length > 2 ? inputs[2] : -1,
      statistics[1],
      statistics[2],
      statistics[3],
      statistics[4]
    };
    builder.step(
        "node '" + layer.label() + "' and '" + norm.label() + "'",
        body::run,
        all,
        builder.slot(norm.output()));
  }

  private @Nullable IntegerBias integerBias(Node layer) {
    Value input = layer.input(0);
    return input != null
            && wiring.activations().get(input) instanceof TensorQuantizer activation
            && wiring.weights().get(new Value.Use(layer, 1)) instanceof TensorQuantizer weights
            && wiring.integerBiases().contains(layer)
            && wiring.readers().contains(new Value.Use(layer, 0))
        ? new IntegerBias(activation, weights)
        : null;
  }

  private static Value weight(Node layer) {
    Value weight = layer.input(1);
    if (weight == null) {
      throw new IllegalStateException("node '" + layer.label() + "' has no weights");
    }
    return weight;
  }

  private int slot(Node node, int input, Value value) {
    Value.Use use = new Value.Use(node, input);
    Module weights = wiring.weights().get(use);
    if (weights != null && !wiring.norms().containsKey(node)) {
      int made = builder.fresh();
      builder.step(
          "the weights of node '" + node.label() + "'",
          (data, phase) -> List.of(Datum.computed(round(weights, at(data, 0), node))),
          new int[] {builder.slot(value)},
          made);
      return made;
    }
    Module activation = wiring.activations().get(value);
    if (activation == null || !wiring.readers().contains(use)) {
      return builder.slot(value);
    }
    Integer there = rounded.get(value);
    if (there != null) {
      return there;
    }
    int made = builder.fresh();
    builder.step(
        "the quantizer of '" + value.name() + "'",
        (data, phase) -> List.of(Datum.computed(activation.call(at(data, 0)))),
        new int[] {builder.slot(value)},
        made);
    rounded.put(value, made);
    return made;
  }

  private static Tensor at(List<@Nullable Datum> data, int index) {
    Datum only = data.get(index);
    if (only == null) {
      throw new IllegalStateException("the value was not computed");
    }
    return only.tensor();
  }

  /** Blocks of a convolution run over input channels and window together. */
  private static Tensor round(Module quantizer, Tensor weight, Node node) {
    long[] shape = Tensors.shape(weight);
    if (quantizer instanceof TensorQuantizer own
        && own.config().descriptor().granularity() instanceof Granularity.PerBlock
        && node.is("Conv")
        && shape.length > 2) {
      return quantizer.call(weight.reshape(shape[0], -1)).reshape(shape);
    }
    return quantizer.call(weight);
  }

  Program build(Graph graph) {
    graph.inputs().forEach(builder::slot);
    return builder.build(graph);
  }
}
