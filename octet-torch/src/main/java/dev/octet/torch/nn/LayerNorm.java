package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Normalization;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Normalises over the last dimensions: {@code [..., shape]} to the same.
 *
 * <p>Parameters, of that shape: {@code weight} of ones and {@code bias} of zeros.
 *
 * <p>Ba et al., "Layer Normalization".
 */
public class LayerNorm extends Module {
  /** Settings of a layer normalisation. */
  public static final class Builder {
    private final long[] shape;
    private double eps = 1e-5;
    private boolean affine = true;
    private boolean bias = true;

    private Builder(long[] shape) {
      if (shape.length == 0) {
        throw new IllegalArgumentException("there is no shape to normalise over");
      }
      this.shape = Inputs.spread("the shape to normalise over", shape, shape.length, 1);
    }

    /** What is added to the variance; 1e-5 unless told otherwise. */
    public Builder eps(double value) {
      eps = Inputs.eps(value);
      return this;
    }

    /** Whether there are weight and bias; there are unless told otherwise. */
    public Builder elementwiseAffine(boolean on) {
      affine = on;
      return this;
    }

    /** Whether there is a bias beside the weight; there is unless told otherwise. */
    public Builder bias(boolean on) {
      bias = on;
      return this;
    }

    /** The layer, with fresh parameters. */
    public LayerNorm build() {
      return Substitution.of(new LayerNorm(this));
    }
  }

  private final long[] shape;
  private final double eps;
  private final @Nullable Tensor weight;
  private final @Nullable Tensor bias;

  private LayerNorm(Builder from) {
    shape = from.shape;
    eps = from.eps;
    weight = from.affine ? parameter("weight", filled(1)) : null;
    bias = from.affine && from.bias ? parameter("bias", filled(0)) : null;
  }

  /** A layer over the same parameters; both are to be closed. */
  public LayerNorm(LayerNorm from) {
    shape = from.shape;
    eps = from.eps;
    weight = from.weight == null ? null : share("weight", from.weight);
    bias = from.bias == null ? null : share("bias", from.bias);
    sameModeAs(from);
  }

  /** A layer that normalises over the last dimensions, of these sizes. */
  public static Builder builder(long... shape) {
    return new Builder(shape);
  }

  @Override
  protected Tensor forward(Tensor x) {
    return compute(x);
  }

  /** The output for an input. */
  protected final Tensor compute(Tensor x) {
    long[] given = Tensors.shape(x);
    int first = given.length - shape.length;
    if (first < 0
        || x.numel() == 0
        || !Arrays.equals(given, first, given.length, shape, 0, shape.length)) {
      throw new IllegalArgumentException(
          "it takes [..., "
              + Arrays.toString(shape).substring(1)
              + " with at least one element, not "
              + Tensors.describe(x));
    }
    Inputs.floating(x, weight);
    return Normalization.layerNorm(x, shape, weight, bias, eps);
  }

  private Tensor filled(double value) {
    return Init.constant(Tensors.uninitialised(ScalarType.Float, shape), value);
  }

  /** What is multiplied by, if affine. */
  public final @Nullable Tensor weight() {
    return weight;
  }

  /** What is added, if there is a bias. */
  public final @Nullable Tensor bias() {
    return bias;
  }

  /** What is added to the variance. */
  public final double eps() {
    return eps;
  }

  @Override
  protected String settings() {
    return Inputs.tuple(shape)
        + ", eps="
        + eps
        + ", elementwise_affine="
        + (weight == null ? "False" : "True");
  }
}
