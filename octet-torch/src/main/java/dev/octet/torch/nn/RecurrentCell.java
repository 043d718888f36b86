package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Recurrence;
import dev.octet.torch.op.RecurrentOps;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What {@link LSTMCell}, {@link GRUCell} and {@link RNNCell} have in common: one step of a
 * recurrent layer, from tracked operations.
 *
 * <p>Parameters are {@code weight_ih [gates · hidden, input]}, {@code weight_hh [gates · hidden,
 * hidden]} and, unless switched off, {@code bias_ih} and {@code bias_hh}, drawn uniformly from
 * ±1/√hidden_size.
 */
public abstract class RecurrentCell extends Module {
  private final Recurrence.Kind kind;
  private final int inputSize;
  private final int hiddenSize;
  private final boolean bias;
  private final @Nullable CellWeights weights;

  /**
   * A cell.
   *
   * @param ownWeights whether it has float parameters; a subclass that holds weights in a form of
   *     its own has none
   */
  RecurrentCell(
      Recurrence.Kind kind, int inputSize, int hiddenSize, boolean bias, boolean ownWeights) {
    // One layer's settings, checked there.
    new Recurrence(kind, inputSize, hiddenSize, 1, bias, false, 0, false, 0);
    this.kind = kind;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.bias = bias;
    if (!ownWeights) {
      weights = null;
      return;
    }
    long rows = (long) kind.gates() * hiddenSize;
    weights =
        new CellWeights(
            parameter("weight_ih", CellSteps.uniform(hiddenSize, rows, inputSize)),
            parameter("weight_hh", CellSteps.uniform(hiddenSize, rows, hiddenSize)),
            bias ? parameter("bias_ih", CellSteps.uniform(hiddenSize, rows)) : null,
            bias ? parameter("bias_hh", CellSteps.uniform(hiddenSize, rows)) : null,
            null);
  }

  RecurrentCell(RecurrentCell from) {
    kind = from.kind;
    inputSize = from.inputSize;
    hiddenSize = from.hiddenSize;
    bias = from.bias;
    CellWeights shared = from.weights();
    Tensor biasIh = shared.biasIh();
    Tensor biasHh = shared.biasHh();
    weights =
        new CellWeights(
            share("weight_ih", shared.ih()),
            share("weight_hh", shared.hh()),
            biasIh == null ? null : share("bias_ih", biasIh),
            biasHh == null ? null : share("bias_hh", biasHh),
            null);
    sameModeAs(from);
  }

  /** Features of the input. */
  public final int inputSize() {
    return inputSize;
  }

  /** Features of the state. */
  public final int hiddenSize() {
    return hiddenSize;
  }

  /** Whether there are biases. */
  public final boolean hasBias() {
    return bias;
  }

  /**
   * The parameters.
   *
   * @throws IllegalStateException if a subclass holds them in a form of its own
   */
  public final CellWeights weights() {
    if (weights == null) {
      throw new IllegalStateException(this + " has no float parameters");
    }
    return weights;
  }

  @Override
  protected String settings() {
    return inputSize + ", " + hiddenSize + (bias ? "" : ", bias=False");
  }

  abstract List<Tensor> step(Tensor input, List<Tensor> state);

  /** The new states; [features] in place of [batch, features] all through where the input is so. */
  final List<Tensor> advance(Tensor input, @Nullable List<Tensor> state) {
    if ((input.dim() != 1 && input.dim() != 2) || input.size(-1) != inputSize) {
      throw new IllegalArgumentException(
          "it takes [batch, "
              + inputSize
              + "] or ["
              + inputSize
              + "], not "
              + Tensors.describe(input));
    }
    Inputs.floating(input, weights == null ? null : weights.ih());
    if (state != null) {
      long[] wanted = Tensors.shape(input);
      wanted[wanted.length - 1] = hiddenSize;
      for (Tensor each : state) {
        if (!Arrays.equals(Tensors.shape(each), wanted)) {
          throw new IllegalArgumentException(
              "a state is " + Tensors.describe(each) + ", not of shape " + Arrays.toString(wanted));
        }
        Inputs.floating(each, weights == null ? null : weights.hh());
      }
    }
    boolean single = input.dim() == 1;
    Tensor batched = single ? Ops.unsqueeze(input, 0) : input;
    List<Tensor> start = new ArrayList<>();
    for (int i = 0; i < kind.states(); i++) {
      start.add(
          state == null
              ? RecurrentOps.zeroRows(batched, hiddenSize)
              : single ? Ops.unsqueeze(state.get(i), 0) : state.get(i));
    }
    List<Tensor> next = step(batched, start);
    return single ? next.stream().map(each -> Ops.squeeze(each, 0)).toList() : next;
  }
}
