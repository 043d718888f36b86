package dev.octet.workflows.pytorch.fx;

import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.quantize.evaluate.LayerComparison;
import dev.octet.quantize.metric.Difference;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.graph.TorchGraph;
import dev.octet.workflows.pytorch.QConfigMapping;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * PyTorch's numeric suite: where a quantized model departs from the float one.
 *
 * <p>Models go as graphs, of which nodes and values have the same names: {@code
 * QuantizeFx.fuseFx(net, example).toModel()} for the float one, {@code converted.model()} for the
 * other. Equalized layers compute on other numbers, so that only what comes out of the model can be
 * compared.
 */
public final class NumericSuite {
  private NumericSuite() {}

  /** The weights of layers that both models have, PyTorch's {@code compare_weights}. */
  public static List<LayerDifference> compareWeights(Model reference, Model model) {
    Map<String, Node> others = new LinkedHashMap<>();
    model.graph().nodes().forEach(node -> others.putIfAbsent(node.label(), node));
    List<LayerDifference> found = new ArrayList<>();
    for (Op op : Operators.of(reference.graph(), ModuleTypes.NONE)) {
      Node node = op.weights().isEmpty() ? op.last() : op.weights().get(0).node();
      Node other = others.get(node.label());
      if (op.weights().isEmpty() || other == null || !other.op().equals(node.op())) {
        continue;
      }
      Difference difference = new Difference();
      op.weights().stream()
          .filter(use -> use.node() == node)
          .forEach(
              use -> {
                float[] exact = constant(reference, node, use.index());
                float[] rounded = constant(model, other, use.index());
                if (exact != null && rounded != null && exact.length == rounded.length) {
                  difference.add(FloatBuffer.wrap(exact), FloatBuffer.wrap(rounded));
                }
              });
      if (difference.count() > 0) {
        found.add(new LayerDifference(node.label(), op.kind(), difference));
      }
    }
    return found;
  }

  private static float @Nullable [] constant(Model model, Node node, int input) {
    Value value = node.input(input);
    if (value == null) {
      return null;
    }
    dev.octet.graph.Tensor tensor = value.constant();
    if (tensor != null) {
      return tensor.toFloats();
    }
    Model part = Cut.of(model, List.of(), value.name());
    if (part == null) {
      return null;
    }
    try (TorchGraph graph = TorchGraph.of(part);
        Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      graph.eval();
      return Tensors.toFloats(only(graph.run(Map.of())));
    }
  }

  /**
   * What operators give where each model runs from its own inputs, so that errors add up on the
   * way: PyTorch's {@code compare_model_outputs}.
   *
   * @param batches the inputs of each call, in order
   */
  public static List<LayerDifference> compareActivations(
      Model reference, Model model, List<Tensor[]> batches) {
    Set<String> common = new LinkedHashSet<>(LayerComparison.commonValues(reference, model));
    Map<String, LayerDifference> results = new LinkedHashMap<>();
    for (Op op : Operators.of(reference.graph(), ModuleTypes.NONE)) {
      for (Value output : op.outputs()) {
        if (common.contains(output.name())) {
          results.put(
              output.name(), new LayerDifference(op.last().label(), op.kind(), new Difference()));
        }
      }
    }
    List<String> names = List.copyOf(results.keySet());
    List<String> rounded = names.stream().map(name -> rounded(model, name)).toList();
    try (TorchGraph one = TorchGraph.of(reference);
        TorchGraph other = TorchGraph.of(model);
        Torch.Switched noGrad = Torch.noGrad()) {
      one.eval();
      other.eval();
      for (Tensor[] batch : batches) {
        try (Scope scope = Scope.open()) {
          Map<String, Tensor> expected = one.run(byName(one, batch), names);
          Map<String, Tensor> actual =
              other.run(byName(other, batch), new LinkedHashSet<>(rounded));
          for (int i = 0; i < names.size(); i++) {
            LayerDifference result = results.get(names.get(i));
            if (result != null) {
              add(result.difference(), expected.get(names.get(i)), actual.get(rounded.get(i)));
            }
          }
        }
      }
    }
    return List.copyOf(results.values());
  }

  /**
   * What each operator gives on the inputs that it has in the float model, so that errors do not
   * add up: PyTorch's shadow comparison.
   *
   * @param batches the inputs of each call, in order
   */
  public static List<LayerDifference> compareShadows(
      Model reference, Model model, List<Tensor[]> batches) {
    List<LayerDifference> results = new ArrayList<>();
    try (TorchGraph whole = TorchGraph.of(reference);
        Torch.Switched noGrad = Torch.noGrad()) {
      whole.eval();
      for (Op op : Operators.of(reference.graph(), ModuleTypes.NONE)) {
        List<String> inputs = inputs(op);
        for (Value output : op.outputs()) {
          Model part = Cut.of(model, inputs, rounded(model, output.name()));
          if (part == null || part.graph().nodeCount() == 0 || inputs.isEmpty()) {
            continue;
          }
          Difference difference = new Difference();
          try (TorchGraph shadow = TorchGraph.of(part)) {
            shadow.eval();
            compare(whole, shadow, inputs, output.name(), batches, difference);
          }
          results.add(new LayerDifference(op.last().label(), op.kind(), difference));
        }
      }
    }
    return results;
  }

  /**
   * What each operator, or chain of operators that a backend treats as one, would give under each
   * of several mappings, on the inputs that it has in the float model: PyTorch's {@code
   * prepare_n_shadows_model}, of which a list of mappings is the {@code QConfigMultiMapping}.
   *
   * @param reference the float model, fused
   * @param calibration the inputs of each call from which observers learn
   * @param evaluation the inputs of each call on which results are compared
   */
  public static List<ShadowResult> nShadows(
      Model reference,
      BackendConfig backend,
      List<QConfigMapping> candidates,
      List<Tensor[]> calibration,
      List<Tensor[]> evaluation) {
    List<ShadowResult> results = new ArrayList<>();
    try (TorchGraph whole = TorchGraph.of(reference);
        Torch.Switched noGrad = Torch.noGrad()) {
      whole.eval();
      for (int i = 0; i < candidates.size(); i++) {
        FxConfig config = FxConfig.of(candidates.get(i)).backend(backend.quantizedOutputs(true));
        Scopes scopes =
            new Scopes(
                config.qconfigMapping(),
                config.backend(),
                config.custom(),
                ModuleTypes.NONE,
                Set.of());
        List<Op> ops = Operators.of(reference.graph(), ModuleTypes.NONE);
        for (Chain chain : Matcher.match(ops, scopes::of, op -> false)) {
          if (chain.config() != null && chain.outputs().size() == 1) {
            ShadowResult result =
                shadow(whole, reference, chain, config, i, calibration, evaluation);
            if (result != null) {
              results.add(result);
            }
          }
        }
      }
    }
    return results;
  }

  private static @Nullable ShadowResult shadow(
      TorchGraph whole,
      Model reference,
      Chain chain,
      FxConfig config,
      int candidate,
      List<Tensor[]> calibration,
      List<Tensor[]> evaluation) {
    List<String> inputs =
        chain.inputs().stream().map(use -> Op.read(use).name()).distinct().toList();
    String output = chain.outputs().get(0).name();
    Model part = inputs.isEmpty() ? null : Cut.of(reference, inputs, output);
    if (part == null) {
      return null;
    }
    Difference difference = new Difference();
    try (GraphModule prepared = QuantizeFx.prepareFx(part, config)) {
      PreparedOp prepares =
          prepared.report().operators().stream()
              .filter(op -> op.mode() != Mode.FLOAT)
              .findFirst()
              .orElseGet(() -> prepared.report().operators().get(0));
      if (prepares.mode() != Mode.FLOAT) {
        for (Tensor[] batch : calibration) {
          try (Scope scope = Scope.open()) {
            prepared.run(whole.run(byName(whole, batch), inputs));
          }
        }
        try (TorchGraph rounded = QuantizeFx.convertToReferenceFx(prepared)) {
          compare(whole, rounded, inputs, output, evaluation, difference);
        }
      }
      return new ShadowResult(
          chain.root().label(),
          chain.kind(),
          candidate,
          prepares.mode(),
          prepares.reason(),
          difference);
    }
  }

  private static void compare(
      TorchGraph whole,
      TorchGraph part,
      List<String> inputs,
      String output,
      List<Tensor[]> batches,
      Difference difference) {
    Set<String> wanted = new LinkedHashSet<>(inputs);
    wanted.add(output);
    for (Tensor[] batch : batches) {
      try (Scope scope = Scope.open()) {
        Map<String, Tensor> exact = whole.run(byName(whole, batch), wanted);
        Map<String, Tensor> given = new LinkedHashMap<>();
        part.inputNames().forEach(name -> given.put(name, exact.get(name)));
        add(difference, exact.get(output), only(part.run(given)));
      }
    }
  }

  /** One line a layer, the worst first. */
  public static String table(List<LayerDifference> differences) {
    StringBuilder text = new StringBuilder();
    differences.stream()
        .sorted(Comparator.comparing(LayerDifference::sqnr))
        .forEach(
            layer ->
                text.append(
                    String.format(
                        Locale.ROOT,
                        "%8.2f dB  %10.6f  %9.6f  %-18s %s%n",
                        layer.sqnr(),
                        layer.normalizedL2(),
                        layer.cosine(),
                        layer.kind(),
                        layer.name())));
    return text.toString();
  }

  private static List<String> inputs(Op op) {
    return op.inputs().stream().map(use -> Op.read(use).name()).distinct().toList();
  }

  /** The name under which readers see a value: rounded, where it is. */
  private static String rounded(Model model, String name) {
    Value value = model.graph().value(name);
    if (value == null) {
      return name;
    }
    for (Node reader : value.consumers()) {
      Node back = reader.is("QuantizeLinear") ? reader.output().onlyConsumer() : null;
      if (back != null && back.is("DequantizeLinear")) {
        return back.output().name();
      }
    }
    return name;
  }

  static Map<String, Tensor> byName(TorchGraph graph, Tensor[] batch) {
    List<String> names = graph.inputNames();
    if (names.size() != batch.length) {
      throw new IllegalArgumentException(
          "the model takes " + names + ", not " + batch.length + " tensors");
    }
    Map<String, Tensor> given = new LinkedHashMap<>();
    for (int i = 0; i < batch.length; i++) {
      given.put(names.get(i), batch[i]);
    }
    return given;
  }

  private static Tensor only(Map<String, Tensor> outputs) {
    return outputs.values().iterator().next();
  }

  private static void add(Difference difference, @Nullable Tensor exact, @Nullable Tensor rounded) {
    difference.add(
        FloatBuffer.wrap(Tensors.toFloats(Tensors.check(exact, "a value"))),
        FloatBuffer.wrap(Tensors.toFloats(Tensors.check(rounded, "a value"))));
  }
}
