package dev.octet.quantize.evaluate;

import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.quantize.Progress;
import dev.octet.quantize.data.Batch;
import dev.octet.quantize.data.Batches;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.metric.Difference;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * How far the values inside one model are from those of the same name inside another.
 *
 * <p>Errors are accumulated ones: each model runs from its own inputs, so a value carries the
 * errors of everything before it.
 *
 * @param byValue the difference of each compared value, in the order of computation
 */
public record LayerComparison(Map<String, Difference> byValue) {

  public LayerComparison {
    byValue = Collections.unmodifiableMap(new LinkedHashMap<>(byValue));
  }

  /**
   * Runs both models on {@code samples} and compares the values {@code names} where both are float
   * tensors of the same shape; others are left out.
   */
  public static LayerComparison run(
      Model reference,
      Model model,
      Samples samples,
      int batchSize,
      List<String> names,
      Progress progress) {
    Map<String, Difference> differences = new LinkedHashMap<>();
    names.forEach(name -> differences.put(name, new Difference()));
    progress.begin("comparing layers", OptionalLong.empty());
    try (ModelRun one = ModelRun.open(reference, names);
        ModelRun other = ModelRun.open(model, names);
        Batches batches = Batches.of(samples, one.binding(), batchSize)) {
      while (batches.hasNext()) {
        Batch batch = batches.next();
        Map<String, HostTensor> expected = one.run(batch);
        Map<String, HostTensor> actual = other.run(batch);
        differences.forEach(
            (name, difference) -> {
              HostTensor f = expected.get(name);
              HostTensor q = actual.get(name);
              if (f != null && q != null && java.util.Arrays.equals(f.shape(), q.shape())) {
                difference.add(f, q);
              }
            });
        progress.advance(batch.size());
      }
    }
    progress.end();
    differences.values().removeIf(difference -> difference.count() == 0);
    return new LayerComparison(differences);
  }

  /**
   * The values that nodes of both models make under the same name and that hold floats: what can be
   * compared, in the order of computation.
   */
  public static List<String> commonValues(Model reference, Model model) {
    Graph other = model.graph();
    return reference.graph().nodes().stream()
        .filter(LayerComparison::makesFloats)
        .flatMap(node -> node.outputs().stream())
        .filter(value -> value != null && !value.name().isEmpty())
        .map(Value::name)
        .filter(
            name -> {
              Value twin = other.value(name);
              return twin != null && twin.producer() != null && makesFloats(twin.producer());
            })
        .toList();
  }

  /** Operators whose outputs are never compared: integers, booleans, shapes, sequences. */
  private static boolean makesFloats(Node node) {
    return switch (node.op()) {
      case "Shape",
          "Size",
          "Cast",
          "ArgMax",
          "ArgMin",
          "NonZero",
          "Equal",
          "Less",
          "Greater",
          "LessOrEqual",
          "GreaterOrEqual",
          "Not",
          "And",
          "Or",
          "Xor",
          "IsNaN",
          "IsInf",
          "QuantizeLinear",
          "DynamicQuantizeLinear",
          "SplitToSequence",
          "SequenceConstruct",
          "ConstantOfShape",
          "Range" ->
          false;
      default -> true;
    };
  }
}
