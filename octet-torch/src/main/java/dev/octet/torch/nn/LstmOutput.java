package dev.octet.torch.nn;

import org.bytedeco.pytorch.Tensor;

/**
 * What an {@link LSTM} computes.
 *
 * @param output the hidden states of the last layer in every step, in the form of the input
 * @param hidden the hidden state of every layer and direction after its last step
 * @param cell the same of the cell states
 * @param <S> a tensor, or a {@link PackedSequence}
 */
public record LstmOutput<S>(S output, Tensor hidden, Tensor cell) {
  /** Hidden and cell state, to go on from. */
  public LstmState state() {
    return new LstmState(hidden, cell);
  }
}
