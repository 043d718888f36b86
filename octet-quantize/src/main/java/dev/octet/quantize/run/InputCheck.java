package dev.octet.quantize.run;

import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import dev.octet.quantize.data.HostTensor;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a graph declares of its inputs, and the check that keeps unfit tensors from native code.
 * Inputs with an initializer keep that value and are not fed.
 */
final class InputCheck {
  private record Declared(TensorType type, boolean optional) {}

  private final Map<String, Declared> declared = new LinkedHashMap<>();

  InputCheck(Graph graph) {
    for (Value input : graph.inputs()) {
      if (!(input.type() instanceof TensorType type)) {
        throw new RunException(
            "model input '" + input.name() + "' is " + input.type() + "; only tensors can be fed");
      }
      declared.put(input.name(), new Declared(type, input.initializer() != null));
    }
  }

  void check(Map<String, HostTensor> inputs) {
    Map<String, Long> symbols = new HashMap<>();
    for (Map.Entry<String, HostTensor> given : inputs.entrySet()) {
      Declared wanted = declared.get(given.getKey());
      if (wanted == null) {
        throw new IllegalArgumentException(
            "the model has no input '" + given.getKey() + "'; its inputs are " + declared.keySet());
      }
      if (wanted.optional()) { // no runtime of ours replaces it
        throw new IllegalArgumentException(
            "model input '"
                + given.getKey()
                + "' has a default, which cannot be replaced; do not give it");
      }
      if (!fits(given.getValue(), wanted.type(), symbols)) {
        throw new IllegalArgumentException(
            "model input '"
                + given.getKey()
                + "' wants "
                + wanted.type()
                + ", but "
                + given.getValue()
                + " is given");
      }
    }
    declared.forEach(
        (name, wanted) -> {
          if (!wanted.optional() && !inputs.containsKey(name)) {
            throw new IllegalArgumentException(
                "no tensor is given for model input '" + name + "' (" + wanted.type() + ")");
          }
        });
  }

  private static boolean fits(HostTensor given, TensorType wanted, Map<String, Long> symbols) {
    if (wanted.elementType() != null && ModelInputs.elementType(wanted) != given.type()) {
      return false;
    }
    @Nullable List<Dimension> shape = wanted.shape();
    if (shape == null) {
      return true;
    }
    int[] sizes = given.shape();
    boolean fits = shape.size() == sizes.length;
    for (int i = 0; fits && i < sizes.length; i++) {
      long size = sizes[i];
      if (shape.get(i) instanceof Dimension.Fixed fixed) {
        fits = fixed.size() == size;
      } else if (shape.get(i) instanceof Dimension.Symbolic symbol) {
        Long before = symbols.putIfAbsent(symbol.name(), size);
        fits = before == null || before == size;
      }
    }
    return fits;
  }
}
