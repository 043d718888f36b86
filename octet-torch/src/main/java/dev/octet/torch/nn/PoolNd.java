package dev.octet.torch.nn;

import dev.octet.torch.op.Pooling;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What pooling with a window shares, over one to three dimensions: {@code [N, C, spatial...]},
 * where each channel is taken by itself.
 */
public abstract class PoolNd extends Module {
  /**
   * Settings of a pooling. What is given as one number holds for all dimensions.
   *
   * @param <M> what it builds
   */
  public static class Builder<M extends PoolNd> {
    private final Function<Builder<M>, M> make;
    private final int dims;
    private final boolean max;
    private final long[] kernel;
    private long[] stride;
    private long[] padding;
    private long @Nullable [] dilation;
    private boolean ceilMode;
    private @Nullable Boolean countIncludePad;

    /** For subclasses of the layers. */
    public Builder(int dims, boolean max, Function<Builder<M>, M> make, long... kernel) {
      this.dims = dims;
      this.max = max;
      this.make = make;
      this.kernel = Inputs.spread("the kernel size", kernel, dims, 1);
      stride = this.kernel;
      padding = new long[dims];
    }

    /** The step from window to window; the window's size unless told otherwise. */
    public Builder<M> stride(long... numbers) {
      stride = Inputs.spread("the stride", numbers, dims, 1);
      return this;
    }

    /** How far windows may reach over each side, at most half the window; 0 unless told. */
    public Builder<M> padding(long... numbers) {
      padding = Inputs.spread("the padding", numbers, dims, 0);
      return this;
    }

    /** The largest value only: the step inside a window; 1 unless told otherwise. */
    public Builder<M> dilation(long... numbers) {
      dilation = Inputs.spread("the dilation", numbers, dims, 1);
      return this;
    }

    /** Whether a last window may reach over the end further; not unless told otherwise. */
    public Builder<M> ceilMode(boolean on) {
      ceilMode = on;
      return this;
    }

    /** Means only: whether padding counts as zeros; it does unless told otherwise. */
    public Builder<M> countIncludePad(boolean on) {
      countIncludePad = on;
      return this;
    }

    /**
     * The layer.
     *
     * @throws IllegalArgumentException if the padding exceeds half a window, or for settings of the
     *     other kind of pooling
     */
    public M build() {
      for (int i = 0; i < dims; i++) {
        if (padding[i] > kernel[i] / 2) {
          throw new IllegalArgumentException(
              "the padding is "
                  + Inputs.tuple(padding)
                  + ", more than half of the kernel size "
                  + Inputs.tuple(kernel));
        }
      }
      if (!max && dilation != null) {
        throw new IllegalArgumentException("dilation is a setting of MaxPool");
      }
      if (max && countIncludePad != null) {
        throw new IllegalArgumentException("countIncludePad is a setting of AvgPool");
      }
      return Substitution.of(make.apply(this));
    }
  }

  private final int dims;
  private final boolean max;
  private final long[] kernel;
  private final long[] stride;
  private final long[] padding;
  private final long[] dilation;
  private final boolean ceilMode;
  private final boolean countIncludePad;

  PoolNd(Builder<?> from) {
    dims = from.dims;
    max = from.max;
    kernel = from.kernel;
    stride = from.stride;
    padding = from.padding;
    dilation = from.dilation == null ? Inputs.spread("", new long[] {1}, dims, 1) : from.dilation;
    ceilMode = from.ceilMode;
    countIncludePad = from.countIncludePad == null || from.countIncludePad;
  }

  PoolNd(PoolNd from) {
    dims = from.dims;
    max = from.max;
    kernel = from.kernel;
    stride = from.stride;
    padding = from.padding;
    dilation = from.dilation;
    ceilMode = from.ceilMode;
    countIncludePad = from.countIncludePad;
    sameModeAs(from);
  }

  @Override
  protected Tensor forward(Tensor x) {
    return compute(x);
  }

  /** The output for an input. */
  protected final Tensor compute(Tensor x) {
    Inputs.batched(x, dims, 0, null);
    return max
        ? Pooling.maxPool(x, kernel, stride, padding, dilation, ceilMode)
        : Pooling.avgPool(x, kernel, stride, padding, ceilMode, countIncludePad);
  }

  /** Sizes of the window. */
  public final long[] kernelSize() {
    return kernel.clone();
  }

  /** Steps from window to window. */
  public final long[] stride() {
    return stride.clone();
  }

  /** How far windows may reach over each side. */
  public final long[] padding() {
    return padding.clone();
  }

  @Override
  protected String settings() {
    return "kernel_size="
        + Inputs.tuple(kernel)
        + ", stride="
        + Inputs.tuple(stride)
        + ", padding="
        + Inputs.tuple(padding)
        + (max ? ", dilation=" + Inputs.tuple(dilation) : "")
        + (ceilMode ? ", ceil_mode=True" : "")
        + (countIncludePad ? "" : ", count_include_pad=False");
  }
}
