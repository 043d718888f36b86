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
  private final CellWeights weights;

  RecurrentCell(Recurrence.Kind kind, int inputSize, int hiddenSize, boolean bias) {
    // One layer's settings, checked there.
    new Recurrence(kind, inputSize, hiddenSize, 1, bias, false, 0, false, 0);
    this.kind = kind;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
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
    Tensor biasIh = from.weights.biasIh();
    Tensor biasHh = from.weights.biasHh();
    weights =
        new CellWeights(
            share("weight_ih", from.weights.ih()),
            share("weight_hh", from.weights.hh()),
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

  /** The parameters. */
  public final CellWeights weights() {
    return weights;
  }

  @Override
  protected String settings() {
    return inputSize + ", " + hiddenSize + (weights.biasIh() == null ? ", bias=False" : "");
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
    Inputs.floating(input, weights.ih());
    if (state != null) {
      long[] wanted = Tensors.shape(input);
      wanted[wanted.length - 1] = hiddenSize;
      for (Tensor each : state) {
        if (!Arrays.equals(Tensors.shape(each), wanted)) {
          throw new IllegalArgumentException(
              "a state is " + Tensors.describe(each) + ", not of shape " + Arrays.toString(wanted));
        }
        Inputs.floating(each, weights.hh());
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
