package dev.octet.torch.models;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Module;
import org.bytedeco.pytorch.Tensor;

/** Convolution, BatchNorm, ReLU: what the Inception networks are made of. */
final class BasicConv2d extends Module {
  private final Child<Conv2d> conv;
  private final Child<BatchNorm2d> bn;
  private final Child<Activation> relu = child("relu", Activation.relu());

  /** A step that keeps the size: a square kernel of odd size. */
  BasicConv2d(long in, long out, long kernel) {
    this(Conv2d.builder(in, out, kernel).padding(kernel / 2), out);
  }

  /**
   * A step with any convolution.
   *
   * @param settings of a convolution; its bias is switched off
   * @param out how many channels it makes
   */
  BasicConv2d(ConvNd.Builder<? extends Conv2d> settings, long out) {
    conv = child("conv", settings.bias(false).build());
    bn = child("bn", BatchNorm2d.builder(out).eps(0.001).build());
  }

  @Override
  protected Tensor forward(Tensor x) {
    return relu.call(bn.call(conv.call(x)));
  }
}
