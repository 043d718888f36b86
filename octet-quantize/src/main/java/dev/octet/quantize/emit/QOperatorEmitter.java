package dev.octet.quantize.emit;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.recipe.Target;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Writes a placement into its graph with operators on integers, such as QLinearConv.
 *
 * <p>First {@link QdqEmitter} writes the placement; then each operator and the DequantizeLinear and
 * QuantizeLinear around it are joined into one. So both forms come from the same parameters, and
 * what has no integer operator stays in the form that every runtime reads. Most of the operators
 * are ONNX Runtime's own, so no other runtime is sure to read the result.
 */
public final class QOperatorEmitter {
  private QOperatorEmitter() {}

  /**
   * Changes {@code model}, whose operator set must be 13 or newer, in place. Parameters are as in
   * {@link QdqEmitter#emit}.
   *
   * @param target who is to run it
   * @return one sentence for each quantized node that computes in float between DequantizeLinear
   *     and QuantizeLinear, because it has no form on integers; and one if {@code target} may not
   *     know the operators
   */
  public static List<String> emit(
      Model model,
      Placement placement,
      Map<Group, QuantParams> activations,
      List<QuantizedWeight> weights,
      List<QuantizedBias> biases,
      Target target) {
    QdqEmitter.emit(model, placement, activations, weights, biases);
    IntegerOperators joined = IntegerOperators.join(model.graph());
    List<String> warnings = new ArrayList<>();
    if (joined.needsOrtOperators()) {
      model.setOpset(OrtOperators.DOMAIN, OrtOperators.VERSION);
      if (target != Target.ONNXRUNTIME) {
        warnings.add(
            "the model holds operators of ONNX Runtime's own (%s), which other runtimes may not read;"
                    .formatted(OrtOperators.DOMAIN)
                + " choose format qdq for them");
      }
    }
    if (!placement.groups().isEmpty()) {
      for (Node node : placement.quantized()) {
        if (!joined.took(node)) {
          warnings.add(
              "node '%s' (%s) stays between DequantizeLinear and QuantizeLinear: it has no form on"
                      .formatted(node.label(), node.op())
                  + " integers here");
        }
      }
    }
    return warnings;
  }
}
