package dev.octet.torch.nn;

import org.bytedeco.pytorch.Tensor;

/**
 * What a {@link GRU} or {@link RNN} computes.
 *
 * @param output the hidden states of the last layer in every step, in the form of the input
 * @param hidden the hidden state of every layer and direction after its last step
 * @param <S> a tensor, or a {@link PackedSequence}
 */
public record RecurrentOutput<S>(S output, Tensor hidden) {}
