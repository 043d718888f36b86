/**
 * Modules: a tree of named layers with parameters and buffers, as PyTorch's {@code torch.nn} has
 * it, on LibTorch's tensors. The tree is Java's own, so that hooks, replacement and tracing work.
 * Start at {@link dev.octet.torch.nn.Module}.
 */
@NullMarked
package dev.octet.torch.nn;

import org.jspecify.annotations.NullMarked;
