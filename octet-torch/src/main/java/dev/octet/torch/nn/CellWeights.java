package dev.octet.torch.nn;

import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of a recurrent cell, or of one layer and direction.
 *
 * @param ih [gates · hidden, input features]
 * @param hh [gates · hidden, hidden features]
 * @param biasIh [gates · hidden], or null without biases
 * @param biasHh the same
 * @param hr the projection [projection, hidden], or null without
 */
public record CellWeights(
    Tensor ih, Tensor hh, @Nullable Tensor biasIh, @Nullable Tensor biasHh, @Nullable Tensor hr) {}
