package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/**
 * An activation function without parameters, as a module; {@link PReLU} has one. The functions,
 * with their formulas, are those of {@link Ops}.
 */
public final class Activation extends Module {
  private final String name;
  private final String settings;
  private final UnaryOperator<Tensor> function;

  private Activation(String name, String settings, UnaryOperator<Tensor> function) {
    this.name = name;
    this.settings = settings;
    this.function = function;
  }

  /** Another such layer, in the same mode; both are to be closed. */
  public Activation(Activation from) {
    this(from.name, from.settings, from.function);
    sameModeAs(from);
  }

  /** PyTorch's name of the function's module, such as {@code ReLU6}. */
  public String name() {
    return name;
  }

  /** {@link Ops#relu}. */
  public static Activation relu() {
    return new Activation("ReLU", "", Ops::relu);
  }

  /** {@link Ops#relu6}. */
  public static Activation relu6() {
    return new Activation("ReLU6", "", Ops::relu6);
  }

  /** {@link Ops#leakyRelu}; PyTorch's default slope is 0.01. */
  public static Activation leakyRelu(double slope) {
    return new Activation("LeakyReLU", "negative_slope=" + slope, x -> Ops.leakyRelu(x, slope));
  }

  /** {@link Ops#elu}; PyTorch's default alpha is 1. */
  public static Activation elu(double alpha) {
    return new Activation("ELU", "alpha=" + alpha, x -> Ops.elu(x, alpha));
  }

  /** {@link Ops#celu}; PyTorch's default alpha is 1. */
  public static Activation celu(double alpha) {
    return new Activation("CELU", "alpha=" + alpha, x -> Ops.celu(x, alpha));
  }

  /** {@link Ops#threshold}. */
  public static Activation threshold(double threshold, double value) {
    return new Activation(
        "Threshold",
        "threshold=" + threshold + ", value=" + value,
        x -> Ops.threshold(x, threshold, value));
  }

  /** {@link Ops#selu}. */
  public static Activation selu() {
    return new Activation("SELU", "", Ops::selu);
  }

  /** {@link Ops#gelu}. */
  public static Activation gelu() {
    return new Activation("GELU", "approximate='none'", Ops::gelu);
  }

  /** {@link Ops#geluTanh}. */
  public static Activation geluTanh() {
    return new Activation("GELU", "approximate='tanh'", Ops::geluTanh);
  }

  /** {@link Ops#silu}. */
  public static Activation silu() {
    return new Activation("SiLU", "", Ops::silu);
  }

  /** {@link Ops#mish}. */
  public static Activation mish() {
    return new Activation("Mish", "", Ops::mish);
  }

  /** {@link Ops#sigmoid}. */
  public static Activation sigmoid() {
    return new Activation("Sigmoid", "", Ops::sigmoid);
  }

  /** {@link Ops#tanh}. */
  public static Activation tanh() {
    return new Activation("Tanh", "", Ops::tanh);
  }

  /** {@link Ops#hardswish}. */
  public static Activation hardswish() {
    return new Activation("Hardswish", "", Ops::hardswish);
  }

  /** {@link Ops#hardsigmoid}. */
  public static Activation hardsigmoid() {
    return new Activation("Hardsigmoid", "", Ops::hardsigmoid);
  }

  /** {@link Ops#clamp}; PyTorch's default bounds are -1 and 1. */
  public static Activation hardtanh(double low, double high) {
    if (!(low < high)) {
      throw new IllegalArgumentException("the lower bound " + low + " is not below " + high);
    }
    return new Activation(
        "Hardtanh", "min_val=" + low + ", max_val=" + high, x -> Ops.clamp(x, low, high));
  }

  /** {@link Ops#softplus}; PyTorch's defaults are 1 and 20. */
  public static Activation softplus(double beta, double threshold) {
    return new Activation(
        "Softplus",
        "beta=" + beta + ", threshold=" + threshold,
        x -> Ops.softplus(x, beta, threshold));
  }

  /** {@link Ops#softmax}. */
  public static Activation softmax(int dim) {
    return new Activation("Softmax", "dim=" + dim, x -> Ops.softmax(x, dim));
  }

  /** {@link Ops#logSoftmax}. */
  public static Activation logSoftmax(int dim) {
    return new Activation("LogSoftmax", "dim=" + dim, x -> Ops.logSoftmax(x, dim));
  }

  @Override
  protected Tensor forward(Tensor x) {
    Inputs.floating(x, null);
    return function.apply(x);
  }

  @Override
  protected String settings() {
    return settings;
  }

  @Override
  public String toString() {
    return name + "(" + settings + ")";
  }
}
