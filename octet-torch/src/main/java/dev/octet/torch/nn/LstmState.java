package dev.octet.torch.nn;

import org.bytedeco.pytorch.Tensor;

/**
 * What an LSTM hands from step to step.
 *
 * @param hidden of a cell: [batch, size]; of a network: [num_layers · directions, batch, size]; no
 *     batch where the input has none
 * @param cell the same; its size is {@code hidden_size} even with a projection
 */
public record LstmState(Tensor hidden, Tensor cell) {}
