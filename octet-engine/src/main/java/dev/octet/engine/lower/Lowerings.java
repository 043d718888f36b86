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
    register(new Empties(new Convolutions()), "Conv");
    register(new Empties(new Deconvolutions()), "ConvTranspose");
    register(new Empties(new WeightOnlyProducts(new MatrixProducts())), "Gemm", "MatMul");
    register(new Empties(new Activations()), Activations.OPERATORS);
    register(new Empties(new Arithmetic()), Arithmetic.OPERATORS);
    register(
        new Empties(new Poolings()),
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
        "GlobalMaxPool");
    register(new Views(), Views.OPERATORS);
    register(new Concatenation(), "Concat");
    register(new Movements(), Movements.OPERATORS);
    register(new Pads(), Pads.OPERATORS);
    register(new Gathers(), Gathers.OPERATORS);
    register(new Scatters(), "ScatterElements", "Scatter", "ScatterND");
    register(new Functions(), Functions.OPERATORS);
    register(new Pairs(), Pairs.OPERATORS);
    register(new Selections(), "Where", "Cast", "CastLike");
    register(new Reductions(), Reductions.OPERATORS);
    register(new Orders(), Orders.OPERATORS);
    register(new Empties(new Softmaxes()), "Softmax", "LogSoftmax");
    register(new Empties(new Normalizations()), Normalizations.OPERATORS);
    register(new Empties(new Resizes()), "Resize", "Upsample");
    register(new Empties(new Einsums()), "Einsum");
    register(new Fillings(), Fillings.OPERATORS);
    register(new Grids(), Grids.OPERATORS);
    register(new Patches(), Patches.OPERATORS);
    register(new Spectra(), Spectra.OPERATORS);
    Refusals.forEach(BY_OPERATOR::put);
    register(new QuantizeDequantize(), "QuantizeLinear", "DequantizeLinear");
    register(new Empties(new RecurrentLayers()), "LSTM", "GRU", "RNN");
    register(new Empties(new DynamicQuantization()), "DynamicQuantizeLinear");
    register(new Empties(new IntegerProducts()), "MatMulInteger", "ConvInteger");
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
