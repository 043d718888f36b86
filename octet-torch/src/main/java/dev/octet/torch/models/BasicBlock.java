package dev.octet.torch.models;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Module;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Two 3x3 convolutions and a shortcut. */
final class BasicBlock extends Module {
  private final Child<Conv2d> conv1;
  private final Child<BatchNorm2d> bn1;
  // One for each place, so that each can be fused with what is before it.
  private final Child<Activation> relu = child("relu", Activation.relu());
  private final Child<Activation> relu2 = child("relu2", Activation.relu());
  private final Child<Conv2d> conv2;
  private final Child<BatchNorm2d> bn2;
  private final @Nullable Child<Module> downsample;
  private final Child<Add> add = child("add", Add.of());

  /** A block whose shortcut is the input itself where none is given. */
  BasicBlock(long in, long out, long stride, @Nullable Module shortcut) {
    conv1 =
        child("conv1", Conv2d.builder(in, out, 3).stride(stride).padding(1).bias(false).build());
    bn1 = child("bn1", BatchNorm2d.builder(out).build());
    conv2 = child("conv2", Conv2d.builder(out, out, 3).padding(1).bias(false).build());
    bn2 = child("bn2", BatchNorm2d.builder(out).build());
    downsample = shortcut == null ? null : child("downsample", shortcut);
  }

  @Override
  protected Tensor forward(Tensor x) {
    Tensor y = relu.call(bn1.call(conv1.call(x)));
    y = bn2.call(conv2.call(y));
    return relu2.call(add.call(y, downsample == null ? x : downsample.call(x)));
  }
}
