package dev.octet.engine.lower;

import dev.octet.engine.plan.Lowering;
import dev.octet.graph.Node;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Every operator that the engine runs, by name. */
public final class Lowerings {
  private static final Map<String, Lowering> BY_OPERATOR = new HashMap<>();

  static {
    register(new Convolutions(), "Conv");
    register(new Deconvolutions(), "ConvTranspose");
    register(new MatrixProducts(), "Gemm", "MatMul");
    register(new Activations(), Activations.OPERATORS);
    register(new Arithmetic(), Arithmetic.OPERATORS);
    register(new Poolings(), "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool");
    register(new Views(), Views.OPERATORS);
    register(new Concatenation(), "Concat");
    register(new QuantizeDequantize(), "QuantizeLinear", "DequantizeLinear");
  }

  private Lowerings() {}

  private static void register(Lowering lowering, String... operators) {
    for (String operator : operators) {
      BY_OPERATOR.put(operator, lowering);
    }
  }

  /** The lowering of {@code node}, or null where there is none for its operator. */
  public static @Nullable Lowering of(Node node) {
    return node.domain().isEmpty() || node.domain().equals("ai.onnx")
        ? BY_OPERATOR.get(node.op())
        : null;
  }
}
