package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * {@code x · weightᵀ + bias} over the last dimension: {@code [..., in]} to {@code [..., out]}.
 *
 * <p>Parameters: {@code weight [out, in]}, and {@code bias [out]} unless switched off; both start
 * uniform in ±1/√in.
 */
public class Linear extends Module {
  /**
   * Settings of a linear layer.
   *
   * @param <M> what it builds
   */
  public static class Builder<M extends Linear> {
    private final Function<Builder<M>, M> make;
    private final long in;
    private final long out;
    private boolean bias = true;

    /** For subclasses of the layer. */
    public Builder(Function<Builder<M>, M> make, long in, long out) {
      this.make = make;
      this.in = Inputs.atLeast(1, "the number of inputs", in);
      this.out = Inputs.atLeast(1, "the number of outputs", out);
    }

    /** Whether there is a bias; there is unless told otherwise. */
    public Builder<M> bias(boolean on) {
      bias = on;
      return this;
    }

    /** The layer, with fresh parameters. */
    public M build() {
      return Substitution.of(make.apply(this));
    }
  }

  private final Tensor weight;
  private final @Nullable Tensor bias;

  /** For subclasses: a layer with fresh parameters. */
  protected Linear(Builder<?> settings) {
    weight =
        parameter("weight", Tensors.uninitialised(ScalarType.Float, settings.out, settings.in));
    Init.kaimingUniform(weight, Math.sqrt(5));
    bias =
        settings.bias
            ? parameter("bias", Tensors.uninitialised(ScalarType.Float, settings.out))
            : null;
    if (bias != null) {
      Init.bias(bias, weight);
    }
  }

  /** A layer over the same parameters; both are to be closed. */
  public Linear(Linear from) {
    weight = share("weight", from.weight);
    bias = from.bias == null ? null : share("bias", from.bias);
    sameModeAs(from);
  }

  /** A layer of {@code in} inputs and {@code out} outputs. */
  public static Builder<? extends Linear> builder(long in, long out) {
    return new Builder<Linear>(Linear::new, in, out);
  }

  @Override
  protected Tensor forward(Tensor x) {
    return compute(x, weight);
  }

  /** The output for a weight in the place of this layer's. */
  protected final Tensor compute(Tensor x, Tensor by) {
    return compute(x, by, bias);
  }

  /** The output for a weight and a bias in the place of this layer's. */
  protected final Tensor compute(Tensor x, Tensor by, @Nullable Tensor plus) {
    if (x.dim() < 1 || x.numel() == 0 || x.size(-1) != weight.size(1)) {
      throw new IllegalArgumentException(
          "it takes [..., "
              + weight.size(1)
              + "] with at least one element, not "
              + Tensors.describe(x));
    }
    Inputs.floating(x, weight);
    return Ops.linear(x, by, plus);
  }

  /** The weight, {@code [out, in]}. */
  public final Tensor weight() {
    return weight;
  }

  /** The bias, {@code [out]}, if there is one. */
  public final @Nullable Tensor bias() {
    return bias;
  }

  @Override
  protected String settings() {
    return "in_features="
        + weight.size(1)
        + ", out_features="
        + weight.size(0)
        + ", bias="
        + (bias == null ? "False" : "True");
  }
}
