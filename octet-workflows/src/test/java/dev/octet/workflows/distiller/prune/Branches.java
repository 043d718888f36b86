package dev.octet.workflows.distiller.prune;

import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/** A sum of two branches, a depthwise convolution, and two branches side by side. */
final class Branches extends Module {
  private final Child<Conv2d> stem = child("stem", Conv2d.builder(1, 8, 3).padding(1).build());
  private final Child<BatchNorm2d> bn = child("bn", BatchNorm2d.builder(8).build());
  private final Child<Activation> relu = child("relu", Activation.relu());
  private final Child<Conv2d> inner = child("inner", Conv2d.builder(8, 8, 1).build());
  private final Child<Add> add = child("add", Add.of());
  private final Child<Conv2d> deep =
      child("deep", Conv2d.builder(8, 8, 3).padding(1).groups(8).bias(false).build());
  private final Child<Conv2d> left = child("left", Conv2d.builder(8, 4, 1).build());
  private final Child<Conv2d> right = child("right", Conv2d.builder(8, 6, 1).build());
  private final Child<Concat> concat = child("concat", Concat.of(1));
  private final Child<Conv2d> last = child("last", Conv2d.builder(10, 5, 1).build());
  private final Child<AdaptiveAvgPool2d> pool = child("pool", AdaptiveAvgPool2d.of(2));
  private final Child<Linear> fc = child("fc", Linear.builder(20, 3).build());

  @Override
  protected Tensor forward(Tensor x) {
    Tensor a = relu.call(bn.call(stem.call(x)));
    Tensor sum = deep.call(add.call(a, inner.call(a)));
    Tensor both = concat.call(left.call(sum), right.call(sum));
    return fc.call(Ops.flatten(pool.call(last.call(both)), 1, -1));
  }
}
