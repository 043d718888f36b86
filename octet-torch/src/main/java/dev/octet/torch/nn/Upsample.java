package dev.octet.torch.nn;

import dev.octet.torch.op.Resizing;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Enlarges, or shrinks, the one to three spatial dimensions of {@code [N, C, spatial...]} by
 * interpolation.
 */
public final class Upsample extends Module {
  /** Settings of an interpolation: a size or a scale. */
  public static final class Builder {
    private long @Nullable [] size;
    private double @Nullable [] scale;
    private boolean linear;
    private boolean alignCorners;

    private Builder() {}

    /** Sizes of the output, one for each spatial dimension, or one for all. */
    public Builder size(long... numbers) {
      size = Inputs.spread("the size", numbers, numbers.length, 1);
      return this;
    }

    /** Factors of the sizes, one for each spatial dimension, or one for all; rounded down. */
    public Builder scaleFactor(double... factors) {
      if (!Arrays.stream(factors).allMatch(factor -> factor > 0 && factor < 1e6)) {
        throw new IllegalArgumentException(
            "the scale factor is " + Arrays.toString(factors) + ", not above 0");
      }
      scale = factors.clone();
      return this;
    }

    /** Takes the nearest element below, as is done unless told otherwise. */
    public Builder nearest() {
      linear = false;
      return this;
    }

    /**
     * Interpolates linearly in each dimension: PyTorch's modes linear, bilinear and trilinear.
     *
     * @param corners whether first and last elements keep their places, or their outer edges do
     */
    public Builder linear(boolean corners) {
      linear = true;
      alignCorners = corners;
      return this;
    }

    /** The layer. */
    public Upsample build() {
      if ((size == null) == (scale == null)) {
        throw new IllegalArgumentException("give a size or a scale factor, one of the two");
      }
      return Substitution.of(new Upsample(this));
    }
  }

  private final long @Nullable [] size;
  private final double @Nullable [] scale;
  private final boolean linear;
  private final boolean alignCorners;

  private Upsample(Builder from) {
    size = from.size;
    scale = from.scale;
    linear = from.linear;
    alignCorners = from.alignCorners;
  }

  /** A layer that takes the nearest element, until told otherwise. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  protected Tensor forward(Tensor x) {
    int dims = Math.toIntExact(Math.max(1, Math.min(3, x.dim() - 2)));
    Inputs.batched(x, dims, 0, null);
    if (size != null) {
      long[] sizes = Inputs.spread("the size", size, dims, 1);
      return linear ? Resizing.linear(x, alignCorners, sizes) : Resizing.nearest(x, sizes);
    }
    double[] factors = spread(scale, dims);
    return linear ? Resizing.linear(x, alignCorners, factors) : Resizing.nearest(x, factors);
  }

  private static double[] spread(double @Nullable [] factors, int dims) {
    if (factors == null || (factors.length != 1 && factors.length != dims)) {
      throw new IllegalArgumentException(
          "the scale factor is " + Arrays.toString(factors) + "; give 1 or " + dims + " numbers");
    }
    double[] all = Arrays.copyOf(factors, dims);
    if (factors.length == 1) {
      Arrays.fill(all, factors[0]);
    }
    return all;
  }

  @Override
  protected String settings() {
    return (size == null ? "scale_factor=" + Arrays.toString(scale) : "size=" + Inputs.tuple(size))
        + ", mode="
        + (linear ? "linear, align_corners=" + (alignCorners ? "True" : "False") : "nearest");
  }
}
