package dev.octet.torch.models;

import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What an {@link InceptionV3} computes, each {@code [N, classes]}.
 *
 * @param logits the network's
 * @param auxLogits of the auxiliary head; null in eval mode and without a head
 */
public record InceptionOutputs(Tensor logits, @Nullable Tensor auxLogits) {}
