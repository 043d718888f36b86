package dev.octet.torch.models;

import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Expands channels, filters each by itself, and projects them; with a shortcut where it fits. */
final class InvertedResidual extends Module {
  private final Child<Sequential> conv;
  private final @Nullable Child<Add> add;

  InvertedResidual(long in, long out, long stride, long expansion) {
    long inside = in * expansion;
    List<Module> steps = new ArrayList<>();
    if (expansion != 1) {
      steps.add(MobileNetV2.step(in, inside, 1, 1, 1));
    }
    steps.add(MobileNetV2.step(inside, inside, 3, stride, inside));
    steps.add(Conv2d.builder(inside, out, 1).bias(false).build());
    steps.add(BatchNorm2d.builder(out).build());
    conv = child("conv", new Sequential(steps.toArray(Module[]::new)));
    add = stride == 1 && in == out ? child("add", Add.of()) : null;
  }

  @Override
  protected Tensor forward(Tensor x) {
    Tensor y = conv.call(x);
    return add == null ? y : add.call(x, y);
  }
}
