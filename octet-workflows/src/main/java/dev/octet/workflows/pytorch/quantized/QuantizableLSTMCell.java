package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.CellWeights;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.LstmGates;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.op.Recurrence;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * An {@link LSTMCell} taken apart, under PyTorch's names: the products {@code igates} and {@code
 * hgates}, their sum {@code gates}, {@code input_gate}, {@code forget_gate}, {@code cell_gate},
 * {@code output_gate}, {@code fgate_cx}, {@code igate_cgate}, {@code fgate_cx_igate_cgate}, {@code
 * tanh_cy} and {@code ogate_cy}.
 */
public final class QuantizableLSTMCell extends LSTMCell implements Quantizable {
  static final String KIND = "QuantizableLSTMCell";

  private final Child<Module> igates;
  private final Child<Module> hgates;
  private final Child<Module> gates;
  private final Map<LstmGates.Part, Child<Module>> parts = new EnumMap<>(LstmGates.Part.class);

  /** A cell with copies of parameters. */
  QuantizableLSTMCell(CellWeights weights) {
    this(
        Math.toIntExact(weights.ih().size(1)),
        Math.toIntExact(weights.hh().size(1)),
        weights.biasIh() != null,
        linear(weights.ih(), weights.biasIh()),
        linear(weights.hh(), weights.biasHh()));
  }

  /** A cell whose parameters are still to be filled. */
  QuantizableLSTMCell(int inputSize, int hiddenSize, boolean bias) {
    this(
        inputSize,
        hiddenSize,
        bias,
        Linear.builder(inputSize, 4L * hiddenSize).bias(bias).build(),
        Linear.builder(hiddenSize, 4L * hiddenSize).bias(bias).build());
  }

  private QuantizableLSTMCell(
      int inputSize, int hiddenSize, boolean bias, Module input, Module hidden) {
    super(inputSize, hiddenSize, bias);
    igates = child("igates", input);
    hgates = child("hgates", hidden);
    gates = child("gates", Add.of());
    for (LstmGates.Part part : LstmGates.Part.values()) {
      parts.put(part, child(name(part), module(part)));
    }
  }

  static QuantizableLSTMCell of(Parts parts) {
    Recurrence is = Description.need(parts.description().recurrence(), "recurrence");
    return parts.under(new QuantizableLSTMCell(is.inputSize(), is.hiddenSize(), is.bias()));
  }

  /** A Linear of its own parameters with these values. */
  static Linear linear(Tensor weight, @Nullable Tensor bias) {
    Linear made = Linear.builder(weight.size(1), weight.size(0)).bias(bias != null).build();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      made.weight().copy_(weight);
      Tensor shift = made.bias();
      if (bias != null && shift != null) {
        shift.copy_(bias);
      }
    }
    made.requireGrad(weight.requires_grad());
    return made;
  }

  private static String name(LstmGates.Part part) {
    return switch (part) {
      case INPUT_GATE -> "input_gate";
      case FORGET_GATE -> "forget_gate";
      case CELL_GATE -> "cell_gate";
      case OUTPUT_GATE -> "output_gate";
      case FORGET -> "fgate_cx";
      case TAKE -> "igate_cgate";
      case CELL -> "fgate_cx_igate_cgate";
      case SQUASH -> "tanh_cy";
      case HIDDEN -> "ogate_cy";
    };
  }

  private static Module module(LstmGates.Part part) {
    return switch (part) {
      case INPUT_GATE, FORGET_GATE, OUTPUT_GATE -> Activation.sigmoid();
      case CELL_GATE, SQUASH -> Activation.tanh();
      case FORGET, TAKE, HIDDEN -> Mul.of();
      case CELL -> Add.of();
    };
  }

  @Override
  protected StepLinear<Tensor> linear() {
    return (x, h) -> gates.call(igates.call(x), hgates.call(h));
  }

  /** The same where the inputs of all steps are there from the start. */
  StepLinear<Tensor> sequence() {
    return new StepLinear<>() {
      @Override
      public List<Tensor> before(List<Tensor> inputs) {
        return DynamicProducts.together(inputs, igates::call);
      }

      @Override
      public Tensor apply(Tensor product, Tensor state) {
        return gates.call(product, hgates.call(state));
      }
    };
  }

  @Override
  protected LstmGates gates() {
    return (part, x) -> Objects.requireNonNull(parts.get(part)).call(x);
  }

  @Override
  protected Description extraState() {
    return new Description.Builder(KIND)
        .cell(Recurrence.Kind.LSTM, inputSize(), hiddenSize(), hasBias())
        .build();
  }
}
