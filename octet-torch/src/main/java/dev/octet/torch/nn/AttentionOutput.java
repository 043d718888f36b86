package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/**
 * What {@link MultiheadAttention} computes.
 *
 * @param output in the layout of the query
 * @param weights what each query takes of each key, by head: [batch, heads, target, source], no
 *     batch where the query has none
 */
public record AttentionOutput(Tensor output, Tensor weights) {
  /** The weights' mean over heads, [batch, target, source]. */
  public Tensor averagedWeights() {
    return Ops.mean(weights, -3);
  }
}
