package dev.octet.torch.models;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import org.bytedeco.pytorch.Tensor;

/**
 * Multiplies each channel by a factor from 0 to 1 that two layers compute from the means of all
 * channels. Hu et al., "Squeeze-and-Excitation Networks"; the hard sigmoid is MobileNetV3's.
 */
final class SqueezeExcitation extends Module {
  private final Child<AdaptiveAvgPool2d> avgpool = child("avgpool", AdaptiveAvgPool2d.of(1));
  private final Child<Conv2d> fc1;
  private final Child<Conv2d> fc2;
  private final Child<Activation> activation = child("activation", Activation.relu());
  private final Child<Activation> scaleActivation =
      child("scale_activation", Activation.hardsigmoid());
  private final Child<Mul> mul = child("mul", Mul.of());

  SqueezeExcitation(long channels, long squeezed) {
    fc1 = child("fc1", Conv2d.builder(channels, squeezed, 1).build());
    fc2 = child("fc2", Conv2d.builder(squeezed, channels, 1).build());
  }

  @Override
  protected Tensor forward(Tensor x) {
    Tensor means = activation.call(fc1.call(avgpool.call(x)));
    return mul.call(scaleActivation.call(fc2.call(means)), x);
  }
}
