package dev.octet.torch.nn;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.op.Normalization;
import java.util.Locale;
import java.util.function.Function;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * What batch and instance normalisation share: {@code [N, C, spatial...]} to the same.
 *
 * <p>Parameters, if affine: {@code weight [C]} of ones and {@code bias [C]} of zeros. Buffers, if
 * running statistics are tracked: {@code running_mean [C]} of zeros, {@code running_var [C]} of
 * ones, and {@code num_batches_tracked}, an int64. Training moves the running statistics towards
 * those of each batch; eval uses them.
 */
public abstract class NormNd extends Module {
  /**
   * Settings of a normalisation.
   *
   * @param <M> what it builds
   */
  public static class Builder<M extends NormNd> {
    private final Function<Builder<M>, M> make;
    private final int dims;
    private final boolean instance;
    private final long features;
    private double eps = 1e-5;
    private @Nullable Double momentum = 0.1;
    private boolean affine;
    private boolean trackRunningStats;

    /** For subclasses of the layers. */
    public Builder(int dims, boolean instance, Function<Builder<M>, M> make, long features) {
      this.dims = dims;
      this.instance = instance;
      this.make = make;
      this.features = Inputs.atLeast(1, "the number of channels", features);
      affine = !instance;
      trackRunningStats = !instance;
    }

    /** What is added to the variance; 1e-5 unless told otherwise. */
    public Builder<M> eps(double value) {
      eps = Inputs.eps(value);
      return this;
    }

    /**
     * How far running statistics move towards a batch's; 0.1 unless told otherwise.
     *
     * @param share 0 to 1; null makes them the mean over all batches, in batch normalisation
     */
    public Builder<M> momentum(@Nullable Double share) {
      momentum = share;
      return this;
    }

    /** Whether there are weight and bias; in batch normalisation unless told otherwise. */
    public Builder<M> affine(boolean on) {
      affine = on;
      return this;
    }

    /** Whether there are running statistics; in batch normalisation unless told otherwise. */
    public Builder<M> trackRunningStats(boolean on) {
      trackRunningStats = on;
      return this;
    }

    /** The layer, with fresh parameters and statistics. */
    public M build() {
      if (momentum != null && !(momentum >= 0 && momentum <= 1)) {
        throw new IllegalArgumentException("the momentum is " + momentum + ", not 0 to 1");
      }
      return Substitution.of(make.apply(this));
    }
  }

  private final int dims;
  private final boolean instance;
  private final long features;
  private final double eps;
  private final @Nullable Double momentum;
  private final @Nullable Tensor weight;
  private final @Nullable Tensor bias;
  private final @Nullable Tensor runningMean;
  private final @Nullable Tensor runningVar;
  private final @Nullable Tensor batches;
  private boolean frozen;

  NormNd(Builder<?> from) {
    dims = from.dims;
    instance = from.instance;
    features = from.features;
    eps = from.eps;
    momentum = from.momentum;
    weight = from.affine ? parameter("weight", filled(1)) : null;
    bias = from.affine ? parameter("bias", filled(0)) : null;
    runningMean = from.trackRunningStats ? buffer("running_mean", filled(0)) : null;
    runningVar = from.trackRunningStats ? buffer("running_var", filled(1)) : null;
    batches =
        from.trackRunningStats ? buffer("num_batches_tracked", Tensors.of(new long[] {0})) : null;
  }

  NormNd(NormNd from) {
    dims = from.dims;
    instance = from.instance;
    features = from.features;
    eps = from.eps;
    momentum = from.momentum;
    weight = from.weight == null ? null : share("weight", from.weight);
    bias = from.bias == null ? null : share("bias", from.bias);
    runningMean = from.runningMean == null ? null : shareBuffer("running_mean", from.runningMean);
    runningVar = from.runningVar == null ? null : shareBuffer("running_var", from.runningVar);
    batches = from.batches == null ? null : shareBuffer("num_batches_tracked", from.batches);
    frozen = from.frozen;
    sameModeAs(from);
  }

  @Override
  protected Tensor forward(Tensor x) {
    return compute(x);
  }

  /** The output for an input. */
  protected final Tensor compute(Tensor x) {
    boolean flat = dims == 1 && !instance && x.dim() == 2;
    Inputs.batched(x, flat ? 0 : dims, features, weight == null ? runningMean : weight);
    boolean learns = isTraining() && !frozen;
    boolean own = learns || runningMean == null;
    if (learns && x.numel() == (instance ? x.size(0) : 1) * features) {
      throw new IllegalArgumentException(
          "it cannot train on "
              + Tensors.describe(x)
              + ": one value for a channel has no variance; give a larger batch, or call eval()");
    }
    if (instance) {
      double share = momentum == null ? 0 : momentum;
      return Normalization.instanceNorm(x, runningMean, runningVar, weight, bias, own, share, eps);
    }
    double share = momentum == null ? 0 : momentum;
    if (learns && batches != null) {
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope scope = Scope.open()) {
        batches.add_(new Scalar(1));
        if (momentum == null) {
          share = 1.0 / batches.item_long();
        }
      }
    }
    return Normalization.batchNorm(x, runningMean, runningVar, weight, bias, own, share, eps);
  }

  /**
   * Sets whether the running statistics stay as they are, and are used, in training too; false at
   * first. Weight and bias go on training. The last epochs of training with quantizers go better
   * so.
   *
   * @throws IllegalStateException if there are no running statistics to keep
   */
  public final void freezeStatistics(boolean on) {
    if (on && runningMean == null) {
      throw new IllegalStateException(
          this + " tracks no running statistics, so that there are none to freeze");
    }
    frozen = on;
  }

  /** Whether running statistics stay as they are in training. */
  public final boolean hasFrozenStatistics() {
    return frozen;
  }

  private Tensor filled(double value) {
    return Init.constant(Tensors.uninitialised(ScalarType.Float, features), value);
  }

  /** How many channels there are. */
  public final long numFeatures() {
    return features;
  }

  /** What is added to the variance. */
  public final double eps() {
    return eps;
  }

  /** How far running statistics move towards a batch's; null for the mean over all batches. */
  public final @Nullable Double momentum() {
    return momentum;
  }

  /** What channels are multiplied by, {@code [C]}, if affine. */
  public final @Nullable Tensor weight() {
    return weight;
  }

  /** What is added to channels, {@code [C]}, if affine. */
  public final @Nullable Tensor bias() {
    return bias;
  }

  /** The running mean, {@code [C]}, if it is tracked. */
  public final @Nullable Tensor runningMean() {
    return runningMean;
  }

  /** The running variance, {@code [C]}, if it is tracked. */
  public final @Nullable Tensor runningVar() {
    return runningVar;
  }

  @Override
  protected String settings() {
    return String.format(
        Locale.ROOT,
        "%d, eps=%s, momentum=%s, affine=%s, track_running_stats=%s",
        features,
        eps,
        momentum == null ? "None" : momentum,
        weight == null ? "False" : "True",
        runningMean == null ? "False" : "True");
  }
}
