package dev.octet.torch.nn;

import dev.octet.torch.op.Pooling;
import org.bytedeco.pytorch.Tensor;

/**
 * What pooling to a given size shares, over one to three dimensions: {@code [N, C, spatial...]} to
 * {@code [N, C, size...]}. The windows share the input evenly; they may overlap by one.
 */
public abstract class AdaptivePoolNd extends Module {
  private final int dims;
  private final boolean max;
  private final long[] size;

  AdaptivePoolNd(int dims, boolean max, long[] size) {
    this.dims = dims;
    this.max = max;
    this.size = Inputs.spread("the output size", size, dims, 1);
  }

  AdaptivePoolNd(AdaptivePoolNd from) {
    dims = from.dims;
    max = from.max;
    size = from.size;
    sameModeAs(from);
  }

  @Override
  protected Tensor forward(Tensor x) {
    return compute(x);
  }

  /** The output for an input. */
  protected final Tensor compute(Tensor x) {
    Inputs.batched(x, dims, 0, null);
    return max ? Pooling.adaptiveMaxPool(x, size) : Pooling.adaptiveAvgPool(x, size);
  }

  /** Sizes of the output. */
  public final long[] outputSize() {
    return size.clone();
  }

  @Override
  protected String settings() {
    return "output_size=" + Inputs.tuple(size);
  }
}
