package dev.octet.torch.nn;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import java.util.function.Consumer;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;

/**
 * Fills tensors for the start of training, in place and without gradients, by the formulas of
 * PyTorch's {@code torch.nn.init}. Random numbers come from LibTorch's generator: after {@link
 * Torch#seed} they repeat, and equal PyTorch's on a CPU.
 *
 * <p>The fan-in of a weight {@code [out, in, kernel...]} is in times the kernel's size, its fan-out
 * out times that.
 */
public final class Init {
  private Init() {}

  /** With one value. */
  public static Tensor constant(Tensor tensor, double value) {
    return fill(tensor, t -> t.fill_(new Scalar(value)));
  }

  /** Uniformly in {@code [low, high)}. */
  public static Tensor uniform(Tensor tensor, double low, double high) {
    if (!(low <= high)) {
      throw new IllegalArgumentException("low is " + low + ", above high, " + high);
    }
    return fill(tensor, t -> t.uniform_(low, high, new GeneratorOptional()));
  }

  /** From the normal distribution. */
  public static Tensor normal(Tensor tensor, double mean, double deviation) {
    if (!(deviation >= 0)) {
      throw new IllegalArgumentException(
          "the standard deviation is " + deviation + ", not at least 0");
    }
    return fill(tensor, t -> t.normal_(mean, deviation, new GeneratorOptional()));
  }

  /** From the normal distribution, cut to {@code [low, high]}. */
  public static Tensor truncNormal(
      Tensor tensor, double mean, double deviation, double low, double high) {
    if (!(deviation > 0) || !(low < high)) {
      throw new IllegalArgumentException(
          "the standard deviation is "
              + deviation
              + " and the range "
              + low
              + " to "
              + high
              + "; give one above 0 and a low below high");
    }
    // Uniform in the part of the distribution function between the bounds, then its inverse.
    double below = normalCdf((low - mean) / deviation);
    double above = normalCdf((high - mean) / deviation);
    return fill(
        tensor,
        t -> {
          t.uniform_(2 * below - 1, 2 * above - 1, new GeneratorOptional());
          t.erfinv_();
          t.mul_(new Scalar(deviation * Math.sqrt(2)));
          t.add_(new Scalar(mean));
          t.clamp_(new ScalarOptional(new Scalar(low)), new ScalarOptional(new Scalar(high)));
        });
  }

  /**
   * He et al., "Delving deep into rectifiers": uniform in ±√(6 / ((1 + slope²) · fan-in)).
   *
   * @param slope of the leaky ReLU that follows, 0 for a ReLU
   */
  public static Tensor kaimingUniform(Tensor tensor, double slope) {
    double bound = Math.sqrt(3) * (kaimingGain(slope) / Math.sqrt(fanIn(tensor)));
    return uniform(tensor, -bound, bound);
  }

  /** As {@link #kaimingUniform}, normal with variance 2 / ((1 + slope²) · fan-in). */
  public static Tensor kaimingNormal(Tensor tensor, double slope) {
    return normal(tensor, 0, kaimingGain(slope) / Math.sqrt(fanIn(tensor)));
  }

  /**
   * As {@link #kaimingNormal}, by the fan-out: keeps the size of gradients rather than of values.
   */
  public static Tensor kaimingNormalFanOut(Tensor tensor, double slope) {
    return normal(tensor, 0, kaimingGain(slope) / Math.sqrt(fanOut(tensor)));
  }

  /**
   * Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks":
   * uniform in ±gain · √(6 / (fan-in + fan-out)).
   */
  public static Tensor xavierUniform(Tensor tensor, double gain) {
    double bound = Math.sqrt(3) * xavierDeviation(tensor, gain);
    return uniform(tensor, -bound, bound);
  }

  /** As {@link #xavierUniform}, normal with variance gain² · 2 / (fan-in + fan-out). */
  public static Tensor xavierNormal(Tensor tensor, double gain) {
    return normal(tensor, 0, xavierDeviation(tensor, gain));
  }

  /** A bias as linear layers and convolutions start with: uniform in ±1/√fan-in of the weight. */
  static Tensor bias(Tensor bias, Tensor weight) {
    double bound = 1 / Math.sqrt(fanIn(weight));
    return uniform(bias, -bound, bound);
  }

  private static double kaimingGain(double slope) {
    return Math.sqrt(2 / (1 + slope * slope));
  }

  private static double xavierDeviation(Tensor tensor, double gain) {
    return gain * Math.sqrt(2.0 / (fanIn(tensor) + fanOut(tensor)));
  }

  private static double fanIn(Tensor tensor) {
    return fan(tensor, 1);
  }

  private static double fanOut(Tensor tensor) {
    return fan(tensor, 0);
  }

  private static double fan(Tensor tensor, int axis) {
    long[] shape = Tensors.shape(Tensors.check(tensor, "the tensor to fill"));
    if (shape.length < 2 || tensor.numel() == 0) {
      throw new IllegalArgumentException(
          Tensors.describe(tensor) + " has no fan-in; it takes 2 dimensions or more, none empty");
    }
    long fan = shape[axis];
    for (int i = 2; i < shape.length; i++) {
      fan *= shape[i];
    }
    return fan;
  }

  private static double normalCdf(double x) {
    try (Scope scope = Scope.open()) {
      Tensor value = Tensors.of(new double[] {x / Math.sqrt(2)}, 1);
      return (1 + value.erf().item_double()) / 2;
    }
  }

  private static Tensor fill(Tensor tensor, Consumer<Tensor> fill) {
    Tensors.check(tensor, "the tensor to fill");
    if (!tensor.is_floating_point()) {
      throw new IllegalArgumentException(
          Tensors.describe(tensor) + " cannot be initialised; it takes floats");
    }
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      fill.accept(tensor);
    }
    return tensor;
  }
}
