package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import java.util.Arrays;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * What the convolutions and transposed convolutions over one to three dimensions share; {@code [N,
 * in, spatial...]} to {@code [N, out, spatial...]}.
 *
 * <p>Parameters: {@code weight [out, in / groups, kernel...]}, transposed {@code [in, out / groups,
 * kernel...]}, and {@code bias [out]} unless switched off. Both start uniform in ±1/√fan-in, the
 * fan-in being the second size of the weight times the kernel's.
 */
public abstract class ConvNd extends Module {
  /**
   * Settings of a convolution. What is given as one number holds for all dimensions.
   *
   * @param <M> what it builds
   */
  public static class Builder<M extends ConvNd> {
    private final Function<Builder<M>, M> make;
    private final int dims;
    private final boolean transposed;
    private final long in;
    private final long out;
    private final long[] kernel;
    private long[] stride = {1};
    private long[] padding = {0};
    private boolean same;
    private Ops.Padding paddingMode = Ops.Padding.CONSTANT;
    private long[] outputPadding = {0};
    private long @Nullable [] outputSize;
    private long[] dilation = {1};
    private long groups = 1;
    private boolean bias = true;

    /** For subclasses of the layers. */
    public Builder(
        int dims,
        boolean transposed,
        Function<Builder<M>, M> make,
        long in,
        long out,
        long... kernel) {
      this.dims = dims;
      this.transposed = transposed;
      this.make = make;
      this.in = Inputs.atLeast(1, "the number of input channels", in);
      this.out = Inputs.atLeast(1, "the number of output channels", out);
      this.kernel = Inputs.spread("the kernel size", kernel, dims, 1);
    }

    /** The step from window to window; 1 unless told otherwise. */
    public Builder<M> stride(long... numbers) {
      stride = Inputs.spread("the stride", numbers, dims, 1);
      return this;
    }

    /**
     * What is put on both sides; none unless told otherwise. A transposed convolution takes it off
     * the output instead.
     */
    public Builder<M> padding(long... numbers) {
      padding = Inputs.spread("the padding", numbers, dims, 0);
      same = false;
      return this;
    }

    /**
     * Padding by name.
     *
     * @param mode {@code valid} for none, {@code same} for as much as keeps the size, at stride 1;
     *     of an odd number the larger half comes behind
     */
    public Builder<M> padding(String mode) {
      if (!mode.equals("same") && !mode.equals("valid")) {
        throw new IllegalArgumentException(
            "the padding is '" + mode + "'; give 'same', 'valid' or numbers");
      }
      padding(0);
      same = mode.equals("same");
      return this;
    }

    /** What the padding holds; zeros unless told otherwise. */
    public Builder<M> paddingMode(Ops.Padding mode) {
      paddingMode = mode;
      return this;
    }

    /** Transposed only: how much is added at the end of the output; none unless told otherwise. */
    public Builder<M> outputPadding(long... numbers) {
      outputPadding = Inputs.spread("the output padding", numbers, dims, 0);
      return this;
    }

    /** Transposed only: the spatial size of the output, from which the output padding follows. */
    public Builder<M> outputSize(long... numbers) {
      outputSize = Inputs.spread("the output size", numbers, dims, 1);
      return this;
    }

    /** The step from element to element in a window; 1 unless told otherwise. */
    public Builder<M> dilation(long... numbers) {
      dilation = Inputs.spread("the dilation", numbers, dims, 1);
      return this;
    }

    /** Into how many groups without connections the channels are cut; 1 unless told otherwise. */
    public Builder<M> groups(long number) {
      groups = Inputs.atLeast(1, "the number of groups", number);
      return this;
    }

    /** Whether there is a bias; there is unless told otherwise. */
    public Builder<M> bias(boolean on) {
      bias = on;
      return this;
    }

    /**
     * The layer, with fresh parameters.
     *
     * @throws IllegalArgumentException if settings exclude one another, naming them
     */
    public M build() {
      if (in % groups != 0 || out % groups != 0) {
        throw new IllegalArgumentException(
            groups + " groups do not divide " + in + " input and " + out + " output channels");
      }
      if (same && Arrays.stream(stride).anyMatch(step -> step != 1)) {
        throw new IllegalArgumentException(
            "padding 'same' needs stride 1, not " + Arrays.toString(stride));
      }
      if (transposed && (same || paddingMode != Ops.Padding.CONSTANT)) {
        throw new IllegalArgumentException(
            "a transposed convolution takes padding off the output: give numbers, and no mode");
      }
      if (!transposed && (outputSize != null || !Inputs.all(outputPadding, 0))) {
        throw new IllegalArgumentException(
            "output padding and output size are settings of transposed convolutions");
      }
      return Substitution.of(make.apply(this));
    }
  }

  private final ConvSettings how;
  private final Tensor weight;
  private final @Nullable Tensor bias;

  ConvNd(Builder<?> from) {
    int dims = from.dims;
    long[] kernel = Inputs.spread("the kernel size", from.kernel, dims, 1);
    long[] dilation = Inputs.spread("the dilation", from.dilation, dims, 1);
    long[] padding = new long[2 * dims];
    long[] numbers = Inputs.spread("the padding", from.padding, dims, 0);
    for (int i = 0; i < dims; i++) {
      long total = dilation[i] * (kernel[i] - 1);
      padding[i] = from.same ? total / 2 : numbers[i];
      padding[dims + i] = from.same ? total - total / 2 : numbers[i];
    }
    how =
        new ConvSettings(
            from.transposed,
            from.in,
            from.out,
            kernel,
            Inputs.spread("the stride", from.stride, dims, 1),
            padding,
            from.paddingMode,
            Inputs.spread("the output padding", from.outputPadding, dims, 0),
            from.outputSize == null ? new long[0] : from.outputSize,
            dilation,
            from.groups);
    weight = parameter("weight", Tensors.uninitialised(ScalarType.Float, how.weightShape()));
    Init.kaimingUniform(weight, Math.sqrt(5));
    bias = from.bias ? parameter("bias", Tensors.uninitialised(ScalarType.Float, from.out)) : null;
    if (bias != null) {
      Init.bias(bias, weight);
    }
  }

  ConvNd(ConvNd from) {
    how = from.how;
    weight = share("weight", from.weight);
    bias = from.bias == null ? null : share("bias", from.bias);
    sameModeAs(from);
  }

  @Override
  protected Tensor forward(Tensor x) {
    return compute(x, weight);
  }

  /** The output for a weight in the place of this layer's. */
  protected final Tensor compute(Tensor x, Tensor by) {
    return how.convolve(x, by, bias);
  }

  /** All that there is to say about the layer beside its parameters. */
  public final ConvSettings convSettings() {
    return how;
  }

  /** The weight. */
  public final Tensor weight() {
    return weight;
  }

  /** The bias, {@code [out]}, if there is one. */
  public final @Nullable Tensor bias() {
    return bias;
  }

  /** How many channels come in. */
  public final long inChannels() {
    return how.inChannels();
  }

  /** How many channels go out. */
  public final long outChannels() {
    return how.outChannels();
  }

  /** Sizes of the window. */
  public final long[] kernelSize() {
    return how.kernelSize().clone();
  }

  /** Steps from window to window. */
  public final long[] stride() {
    return how.stride().clone();
  }

  /** What is put, or taken off, before each dimension, and then after each. */
  public final long[] padding() {
    return how.padding().clone();
  }

  /** What the padding holds. */
  public final Ops.Padding paddingMode() {
    return how.paddingMode();
  }

  /** Steps inside a window. */
  public final long[] dilation() {
    return how.dilation().clone();
  }

  /** How many groups of channels there are. */
  public final long groups() {
    return how.groups();
  }

  /** Whether this is a transposed convolution, whose weight has its channels the other way. */
  public final boolean isTransposed() {
    return how.transposed();
  }

  @Override
  protected String settings() {
    return how.text(bias != null);
  }
}
