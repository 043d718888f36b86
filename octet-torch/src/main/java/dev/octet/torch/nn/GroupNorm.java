package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Normalization;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Normalises groups of channels of each sample over their positions: {@code [N, C, ...]} to the
 * same.
 *
 * <p>Parameters: {@code weight [C]} of ones and {@code bias [C]} of zeros.
 *
 * <p>Wu and He, "Group Normalization".
 */
public class GroupNorm extends Module {
  /** Settings of a group normalisation. */
  public static final class Builder {
    private final long groups;
    private final long channels;
    private double eps = 1e-5;
    private boolean affine = true;

    private Builder(long groups, long channels) {
      this.groups = Inputs.atLeast(1, "the number of groups", groups);
      this.channels = Inputs.atLeast(1, "the number of channels", channels);
      if (channels % groups != 0) {
        throw new IllegalArgumentException(
            groups + " groups do not divide " + channels + " channels");
      }
    }

    /** What is added to the variance; 1e-5 unless told otherwise. */
    public Builder eps(double value) {
      eps = Inputs.eps(value);
      return this;
    }

    /** Whether there are weight and bias; there are unless told otherwise. */
    public Builder affine(boolean on) {
      affine = on;
      return this;
    }

    /** The layer, with fresh parameters. */
    public GroupNorm build() {
      return Substitution.of(new GroupNorm(this));
    }
  }

  private final long groups;
  private final long channels;
  private final double eps;
  private final @Nullable Tensor weight;
  private final @Nullable Tensor bias;

  private GroupNorm(Builder from) {
    groups = from.groups;
    channels = from.channels;
    eps = from.eps;
    weight = from.affine ? parameter("weight", filled(1)) : null;
    bias = from.affine ? parameter("bias", filled(0)) : null;
  }

  /** A layer over the same parameters; both are to be closed. */
  public GroupNorm(GroupNorm from) {
    groups = from.groups;
    channels = from.channels;
    eps = from.eps;
    weight = from.weight == null ? null : share("weight", from.weight);
    bias = from.bias == null ? null : share("bias", from.bias);
    sameModeAs(from);
  }

  /** A layer for {@code channels} in {@code groups} groups of one size. */
  public static Builder builder(long groups, long channels) {
    return new Builder(groups, channels);
  }

  @Override
  protected Tensor forward(Tensor x) {
    return compute(x);
  }

  /** The output for an input. */
  protected final Tensor compute(Tensor x) {
    if (x.dim() < 2 || x.numel() == 0 || x.size(1) != channels) {
      throw new IllegalArgumentException(
          "it takes [N, "
              + channels
              + ", ...] with at least one element, not "
              + Tensors.describe(x));
    }
    Inputs.floating(x, weight);
    return Normalization.groupNorm(x, groups, weight, bias, eps);
  }

  private Tensor filled(double value) {
    return Init.constant(Tensors.uninitialised(ScalarType.Float, channels), value);
  }

  /** What channels are multiplied by, {@code [C]}, if affine. */
  public final @Nullable Tensor weight() {
    return weight;
  }

  /** What is added to channels, {@code [C]}, if affine. */
  public final @Nullable Tensor bias() {
    return bias;
  }

  @Override
  protected String settings() {
    return groups
        + ", "
        + channels
        + ", eps="
        + eps
        + ", affine="
        + (weight == null ? "False" : "True");
  }
}
