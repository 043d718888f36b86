/**
 * Running a graph on LibTorch, with gradients: an imported model is fine-tuned and, with fake
 * quantization, trained for integers. Start at {@link dev.octet.torch.graph.TorchGraph}.
 */
@NullMarked
package dev.octet.torch.graph;

import org.jspecify.annotations.NullMarked;
