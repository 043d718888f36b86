package dev.octet.torch.quant.flow;

import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Dropout;
import dev.octet.torch.nn.Flatten;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.quant.nn.QuantModules;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** A classifier of 8 × 8 pictures: two convolutions and a head. */
final class SmallNet extends Module {
  private final Child<Module> features;
  private final Child<Module> head;

  private SmallNet() {
    features =
        child(
            "features",
            new Sequential(
                Conv2d.builder(3, 8, 3).padding(1).bias(false).build(),
                BatchNorm2d.builder(8).build(),
                Activation.relu(),
                Conv2d.builder(8, 8, 3).stride(2).build(),
                Activation.relu()));
    head =
        child(
            "head",
            new Sequential(
                AdaptiveAvgPool2d.of(1),
                new Flatten(),
                new Dropout(0.5),
                Linear.builder(8, 4).build()));
  }

  @Override
  protected Tensor forward(Tensor x) {
    return head.call(features.call(x));
  }

  static SmallNet plain() {
    Torch.seed(5);
    return new SmallNet();
  }

  static SmallNet quantized() {
    Torch.seed(5);
    try (QuantModules scope = QuantModules.initialize()) {
      return new SmallNet();
    }
  }

  /** Batches of normal values. */
  static List<Tensor> batches(int count) {
    Torch.seed(6);
    List<Tensor> batches = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      batches.add(torch.randn(4, 3, 8, 8));
    }
    return batches;
  }
}
