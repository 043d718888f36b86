/**
 * Trained weights in files: safetensors both ways, PyTorch checkpoints in. A file is taken as
 * hostile: it is data that is checked, never code that runs, and a malformed one gives a {@link
 * dev.octet.torch.weights.WeightsException} and nothing else.
 *
 * <p>Start at {@link dev.octet.torch.weights.Safetensors} or {@link
 * dev.octet.torch.weights.PyTorchCheckpoint}. Nothing here calls LibTorch.
 */
@NullMarked
package dev.octet.torch.weights;

import org.jspecify.annotations.NullMarked;
