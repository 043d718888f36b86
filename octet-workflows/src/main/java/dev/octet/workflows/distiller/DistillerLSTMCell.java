package dev.octet.workflows.distiller;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.CellWeights;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.LstmGates;
import dev.octet.torch.nn.LstmState;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Tracer;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A step of an LSTM of modules, each of which can be quantized: {@code fc_gate_x} and {@code
 * fc_gate_h} with the gates i, f, g, o in this order, {@code eltwiseadd_gate}, {@code act_i},
 * {@code act_f}, {@code act_g}, {@code act_o}, {@code eltwisemult_cell_forget}, {@code
 * eltwisemult_cell_input}, {@code eltwiseadd_cell}, {@code act_h}, {@code eltwisemult_hidden}.
 */
public final class DistillerLSTMCell extends Module {
  private final int inputSize;
  private final int hiddenSize;
  private final Child<Linear> gateX;
  private final Child<Linear> gateH;
  private final Child<Module> addGates = child("eltwiseadd_gate", Add.of());
  private final Child<Module> forget = child("act_f", Activation.sigmoid());
  private final Child<Module> input = child("act_i", Activation.sigmoid());
  private final Child<Module> outputGate = child("act_o", Activation.sigmoid());
  private final Child<Module> candidate = child("act_g", Activation.tanh());
  private final Child<Module> keepOld = child("eltwisemult_cell_forget", Mul.of());
  private final Child<Module> takeNew = child("eltwisemult_cell_input", Mul.of());
  private final Child<Module> addCell = child("eltwiseadd_cell", Add.of());
  private final Child<Module> squash = child("act_h", Activation.tanh());
  private final Child<Module> hide = child("eltwisemult_hidden", Mul.of());

  /**
   * A cell with fresh parameters.
   *
   * @param bias whether both Linear layers have biases
   */
  public DistillerLSTMCell(int inputSize, int hiddenSize, boolean bias) {
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    gateX = child("fc_gate_x", Linear.builder(inputSize, 4L * hiddenSize).bias(bias).build());
    gateH = child("fc_gate_h", Linear.builder(hiddenSize, 4L * hiddenSize).bias(bias).build());
  }

  /** Copies parameters of PyTorch's names. */
  void copyFrom(CellWeights weights) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      gateX.get().weight().copy_(weights.ih());
      gateH.get().weight().copy_(weights.hh());
      copy(weights.biasIh(), gateX.get().bias());
      copy(weights.biasHh(), gateH.get().bias());
    }
  }

  /**
   * Copies parameters to those of PyTorch's names.
   *
   * @throws ClassCastException if the Linear layers are quantized
   */
  void copyTo(CellWeights weights) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      weights.ih().copy_(gateX.get().weight());
      weights.hh().copy_(gateH.get().weight());
      copy(gateX.get().bias(), weights.biasIh());
      copy(gateH.get().bias(), weights.biasHh());
    }
  }

  private static void copy(@Nullable Tensor from, @Nullable Tensor to) {
    if (from != null && to != null) {
      to.copy_(from);
    }
  }

  /** Features of the hidden state. */
  public int hiddenSize() {
    return hiddenSize;
  }

  /** The hidden state after a step from zeros. */
  @Override
  protected Tensor forward(Tensor x) {
    return run(x, null).hidden();
  }

  /**
   * The states after a step.
   *
   * @param x {@code [batch, inputSize]}
   * @param state before it, {@code [batch, hiddenSize]} both; null for zeros
   * @return owned by the scope around the call
   */
  public LstmState run(Tensor x, @Nullable LstmState state) {
    return inside(
        state == null ? new Tensor[] {x} : new Tensor[] {x, state.hidden(), state.cell()},
        scope -> {
          if (x.dim() != 2 || x.size(1) != inputSize) {
            throw new IllegalArgumentException(
                "it takes [batch, " + inputSize + "], not " + Tensors.describe(x));
          }
          Tensor h = state == null ? zeros(x) : state.hidden();
          Tensor c = state == null ? zeros(x) : state.cell();
          Tensor gates = addGates.call(gateX.call(x), gateH.call(h));
          LstmGates operations = (part, inputs) -> place(part).call(inputs);
          LstmState next = operations.step(gates, c);
          return new LstmState(scope.give(next.hidden()), scope.give(next.cell()));
        });
  }

  private Child<Module> place(LstmGates.Part part) {
    return switch (part) {
      case INPUT_GATE -> input;
      case FORGET_GATE -> forget;
      case CELL_GATE -> candidate;
      case OUTPUT_GATE -> outputGate;
      case FORGET -> keepOld;
      case TAKE -> takeNew;
      case CELL -> addCell;
      case SQUASH -> squash;
      case HIDDEN -> hide;
    };
  }

  /** Zeros for each row of the input; in a trace they follow its batch. */
  private Tensor zeros(Tensor x) {
    if (Tracer.current() == null) {
      return Ops.zeros(x.size(0), hiddenSize);
    }
    return Ops.mul(Ops.mean(x, true, 1), Ops.zeros(1, hiddenSize));
  }

  @Override
  protected String settings() {
    return inputSize + ", " + hiddenSize;
  }
}
