package dev.octet.torch.models;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Dropout;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/**
 * A small network for handwritten digits in the manner of LeNet-5: {@code [N, 1, 28, 28]} to logits
 * {@code [N, 10]}. LeCun et al., "Gradient-Based Learning Applied to Document Recognition".
 */
public final class MnistCnn extends Module {
  private final Child<Conv2d> conv1 = child("conv1", Conv2d.builder(1, 10, 5).build());
  private final Child<Conv2d> conv2 = child("conv2", Conv2d.builder(10, 20, 5).build());
  private final Child<Dropout> conv2Drop = child("conv2_drop", Dropout.of2d(0.5));
  private final Child<MaxPool2d> pool = child("pool", MaxPool2d.builder(2).build());
  private final Child<Activation> relu = child("relu", Activation.relu());
  private final Child<Linear> fc1 = child("fc1", Linear.builder(320, 50).build());
  private final Child<Dropout> fc1Drop = child("fc1_drop", new Dropout(0.5));
  private final Child<Linear> fc2 = child("fc2", Linear.builder(50, 10).build());

  /** A network with fresh parameters. */
  public MnistCnn() {}

  @Override
  protected Tensor forward(Tensor images) {
    Tensor x = relu.call(pool.call(conv1.call(images)));
    x = relu.call(pool.call(conv2Drop.call(conv2.call(x))));
    x = relu.call(fc1.call(Ops.flatten(x, 1, -1)));
    return fc2.call(fc1Drop.call(x));
  }
}
