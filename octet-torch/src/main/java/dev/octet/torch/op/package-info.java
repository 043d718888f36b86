/**
 * Tensor operations that a trace can follow: each computes with LibTorch and, while a trace runs on
 * the thread, records the graph nodes that compute the same. Start at {@link
 * dev.octet.torch.op.Ops}.
 */
@NullMarked
package dev.octet.torch.op;

import org.jspecify.annotations.NullMarked;
