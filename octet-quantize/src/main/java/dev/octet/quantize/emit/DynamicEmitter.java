package dev.octet.quantize.emit;

import dev.octet.core.recipe.Target;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.quantize.place.Placement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes weights into their graph so that the runtime quantizes activations as the model runs.
 *
 * <p>MatMul, Gemm and Conv become {@code DynamicQuantizeLinear -> MatMulInteger or ConvInteger ->
 * Cast -> Mul [-> Add]}: the input is rounded to uint8 over the range that it has in this very call
 * (of all samples of a batch together), the products are summed as int32, and one Mul by input
 * scale times weight scale makes them real. LSTM becomes ONNX Runtime's DynamicQuantizeLSTM, which
 * does the same at every step. Constants without such a form (lookup tables, GRU and RNN, blocks of
 * scales) are stored as integers behind a DequantizeLinear and computed with in float.
 */
public final class DynamicEmitter {
  private DynamicEmitter() {}

  /**
   * Changes {@code model}, whose operator set must be 13 or newer, in place.
   *
   * @param placement made for this very model, without groups of activations
   * @param weights the integers of every weight site
   * @param target who is to run it; only ONNX Runtime has a dynamic LSTM
   * @return one sentence for each node that was to compute with integers and computes in float
   */
  public static List<String> emit(
      Model model, Placement placement, List<QuantizedWeight> weights, Target target) {
    Map<Node, List<QuantizedWeight>> byNode = new LinkedHashMap<>();
    for (QuantizedWeight weight : weights) {
      byNode.computeIfAbsent(weight.site().node(), node -> new ArrayList<>()).add(weight);
    }
    Graph graph = model.graph();
    DynamicLayers layers = new DynamicLayers(graph);
    DynamicLstm lstm = new DynamicLstm(graph);
    List<QuantizedWeight> others = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    byNode.forEach(
        (node, own) -> {
          String obstacle = obstacle(node, own, target);
          if (obstacle != null) {
            others.addAll(own);
            if (!obstacle.isEmpty()) {
              warnings.add(
                  "node '%s' (%s) computes in float from integer weights: %s"
                      .formatted(node.label(), node.op(), obstacle));
            }
          } else if (node.is("LSTM")) {
            lstm.write(node, own);
          } else {
            layers.write(node, own.get(0));
          }
        });
    if (lstm.wroteAny()) {
      model.setOpset(OrtOperators.DOMAIN, OrtOperators.VERSION);
    }
    QdqEmitter.emit(model, placement, Map.of(), others, List.of());
    return warnings;
  }

  /** Why {@code node} has no dynamic form; empty where none was to be expected; null if it has. */
  private static @Nullable String obstacle(
      Node node, List<QuantizedWeight> weights, Target target) {
    return switch (node.op()) {
      case "MatMul", "Gemm", "Conv" -> DynamicLayers.obstacle(node, weights.get(0));
      case "LSTM" -> DynamicLstm.obstacle(node, weights, target);
      case "Gather" -> "";
      default -> "there is no dynamic form of " + node.op();
    };
  }
}
