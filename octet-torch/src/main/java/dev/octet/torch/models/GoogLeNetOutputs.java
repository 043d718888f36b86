package dev.octet.torch.models;

import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link GoogLeNet} computes, each {@code [N, classes]}.
 *
 * @param logits the network's
 * @param auxLogits2 of the head further back; null in eval mode and without heads
 * @param auxLogits1 of the head further in front; null in eval mode and without heads
 */
public record GoogLeNetOutputs(
    Tensor logits, @Nullable Tensor auxLogits2, @Nullable Tensor auxLogits1) {}
