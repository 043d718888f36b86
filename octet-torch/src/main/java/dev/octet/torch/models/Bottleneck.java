package dev.octet.torch.models;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Module;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** A 3x3 convolution between two of 1x1 that change the number of channels, and a shortcut. */
final class Bottleneck extends Module {
  private final Child<Conv2d> conv1;
  private final Child<BatchNorm2d> bn1;
  private final Child<Conv2d> conv2;
  private final Child<BatchNorm2d> bn2;
  private final Child<Conv2d> conv3;
  private final Child<BatchNorm2d> bn3;
  // One for each place, so that each can be fused with what is before it.
  private final Child<Activation> relu1 = child("relu1", Activation.relu());
  private final Child<Activation> relu2 = child("relu2", Activation.relu());
  private final Child<Activation> relu3 = child("relu3", Activation.relu());
  private final @Nullable Child<Module> downsample;
  private final Child<Add> add = child("add", Add.of());

  /** A block whose shortcut is the input itself where none is given. */
  Bottleneck(long in, long inside, long out, long stride, long groups, @Nullable Module shortcut) {
    conv1 = child("conv1", Conv2d.builder(in, inside, 1).bias(false).build());
    bn1 = child("bn1", BatchNorm2d.builder(inside).build());
    conv2 =
        child(
            "conv2",
            Conv2d.builder(inside, inside, 3)
                .stride(stride)
                .padding(1)
                .groups(groups)
                .bias(false)
                .build());
    bn2 = child("bn2", BatchNorm2d.builder(inside).build());
    conv3 = child("conv3", Conv2d.builder(inside, out, 1).bias(false).build());
    bn3 = child("bn3", BatchNorm2d.builder(out).build());
    downsample = shortcut == null ? null : child("downsample", shortcut);
  }

  @Override
  protected Tensor forward(Tensor x) {
    Tensor y = relu1.call(bn1.call(conv1.call(x)));
    y = relu2.call(bn2.call(conv2.call(y)));
    y = bn3.call(conv3.call(y));
    return relu3.call(add.call(y, downsample == null ? x : downsample.call(x)));
  }
}
