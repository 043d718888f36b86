package dev.octet.torch.nn;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Losses to train by, each a tensor without dimensions: the mean over a batch. The result belongs
 * to the scope around the call.
 */
public final class Losses {
  /** Targets of this class, PyTorch's {@code ignore_index}, do not count. */
  public static final long IGNORED = -100;

  private static final long MEAN = 1; // at::Reduction::Mean

  private Losses() {}

  /** As {@link #crossEntropy(Tensor, Tensor, double)}, without smoothing. */
  public static Tensor crossEntropy(Tensor scores, Tensor target) {
    return crossEntropy(scores, target, 0);
  }

  /**
   * The mean of {@code -log softmax(scores)[target]}.
   *
   * @param scores {@code [N, classes]} or {@code [N, classes, ...]}, before any softmax
   * @param target {@code [N]} or {@code [N, ...]}, int64: the class of each, or {@link #IGNORED};
   *     or probabilities, of the scores' type and shape
   * @param smoothing how much of each target is spread evenly over all classes, 0 to 1
   * @throws IllegalArgumentException if shapes or types do not fit, or a class is out of range
   */
  public static Tensor crossEntropy(Tensor scores, Tensor target, double smoothing) {
    checkFloats(scores, "the scores");
    Tensors.check(target, "the target");
    if (!(smoothing >= 0 && smoothing <= 1)) {
      throw new IllegalArgumentException("the label smoothing is " + smoothing + ", not 0 to 1");
    }
    try (Scope scope = Scope.open()) {
      if (target.is_floating_point()) {
        checkSame(scores, target);
      } else {
        checkClasses(scores, target);
      }
      return scope.give(
          torch.cross_entropy_loss(scores, target, new TensorOptional(), MEAN, IGNORED, smoothing));
    }
  }

  /**
   * The mean of {@code -logProbabilities[target]}.
   *
   * @param logProbabilities {@code [N, classes]} or {@code [N, classes, ...]}
   * @param target as {@link #crossEntropy} takes classes
   */
  public static Tensor nll(Tensor logProbabilities, Tensor target) {
    checkFloats(logProbabilities, "the log probabilities");
    Tensors.check(target, "the target");
    try (Scope scope = Scope.open()) {
      checkClasses(logProbabilities, target);
      return scope.give(
          torch.nll_loss_nd(logProbabilities, target, new TensorOptional(), MEAN, IGNORED));
    }
  }

  /** The mean of {@code (x - target)²} over all elements of two tensors of one shape. */
  public static Tensor mse(Tensor x, Tensor target) {
    checkFloats(x, "the input");
    checkSame(x, target);
    return torch.mse_loss(x, target, MEAN);
  }

  /**
   * The divergence of Kullback and Leibler, {@code Σ target · (log target - logProbabilities)} of
   * each sample, and of that the mean over the batch: PyTorch's reduction {@code batchmean}.
   *
   * @param logProbabilities {@code [N, ...]}
   * @param target probabilities of the same shape
   */
  public static Tensor kl(Tensor logProbabilities, Tensor target) {
    checkFloats(logProbabilities, "the log probabilities");
    checkSame(logProbabilities, target);
    if (logProbabilities.dim() == 0) {
      throw new IllegalArgumentException("the log probabilities have no batch dimension");
    }
    try (Scope scope = Scope.open()) {
      Tensor sum = torch.kl_div(logProbabilities, target, 2, false); // at::Reduction::Sum
      return scope.give(torch.div(sum, new org.bytedeco.pytorch.Scalar(logProbabilities.size(0))));
    }
  }

  private static void checkFloats(Tensor x, String what) {
    Tensors.check(x, what);
    if (!x.is_floating_point() || x.numel() == 0) {
      throw new IllegalArgumentException(
          what + " is " + Tensors.describe(x) + "; a loss takes floats, at least one");
    }
  }

  private static void checkSame(Tensor x, Tensor target) {
    Tensors.check(target, "the target");
    if (!Arrays.equals(Tensors.shape(x), Tensors.shape(target)) || !target.is_floating_point()) {
      throw new IllegalArgumentException(
          "the target is "
              + Tensors.describe(target)
              + ", not floats of the shape of "
              + Tensors.describe(x));
    }
  }

  private static void checkClasses(Tensor scores, Tensor target) {
    long[] shape = Tensors.shape(scores);
    boolean fits = shape.length >= 2 && Tensors.type(target) == ScalarType.Long;
    if (fits) {
      long[] wanted = new long[shape.length - 1];
      wanted[0] = shape[0];
      System.arraycopy(shape, 2, wanted, 1, shape.length - 2);
      fits = Arrays.equals(wanted, Tensors.shape(target));
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "the target is "
              + Tensors.describe(target)
              + ", not Long[N, ...] for [N, classes, ...], which is "
              + Tensors.describe(scores));
    }
    for (long label : Tensors.toLongs(target)) {
      if (label != IGNORED && (label < 0 || label >= shape[1])) {
        throw new IllegalArgumentException(
            "a target is class " + label + " of " + shape[1] + ", counted from 0");
      }
    }
  }
}
