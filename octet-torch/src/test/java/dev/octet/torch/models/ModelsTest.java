package dev.octet.torch.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.Model;
import dev.octet.quantize.data.HostTensor;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.ModuleException;
import dev.octet.torch.quant.nn.QuantAdd;
import dev.octet.torch.quant.nn.QuantConv2d;
import dev.octet.torch.quant.nn.QuantLinear;
import dev.octet.torch.quant.nn.QuantModules;
import dev.octet.torch.trace.Trace;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.assertj.core.data.Offset;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

final class ModelsTest {
  private static long parameters(Supplier<Module> make) {
    try (Module net = make.get()) {
      return net.parameters().values().stream().mapToLong(Tensor::numel).sum();
    }
  }

  /** The counts that torchvision's documentation gives. */
  @Test
  void hasAsManyParametersAsTorchvisions() {
    assertThat(parameters(() -> ResNet.resnet18(1000))).isEqualTo(11_689_512);
    assertThat(parameters(() -> ResNet.resnet34(1000))).isEqualTo(21_797_672);
    assertThat(parameters(() -> ResNet.resnet50(1000))).isEqualTo(25_557_032);
    assertThat(parameters(() -> MobileNetV2.builder(1000).build())).isEqualTo(3_504_872);
  }

  @Test
  void hasAsManyParametersAsTheFormulasSay() {
    // The stem has 9 instead of 49 weights a channel pair, the head 10 instead of 1000 classes.
    assertThat(parameters(() -> ResNet.cifar18(10)))
        .isEqualTo(11_689_512 - 3 * 64 * (49 - 9) - 990 * 513);
    assertThat(parameters(() -> ResNet.cifar20(10))).isEqualTo(cifar20());
    assertThat(parameters(MnistCnn::new)).isEqualTo(21_840);
  }

  private static long cifar20() {
    long count = 27 * 16 + 2 * 16; // the stem
    long in = 16;
    for (long channels : new long[] {16, 32, 64}) {
      count += 9 * in * channels + 5 * 9 * channels * channels + 6 * 2 * channels;
      in = channels;
    }
    return count + 64 * 10 + 10;
  }

  @Test
  void namesParametersAsTorchvisionDoes() {
    try (Module net = ResNet.resnet18(10)) {
      assertThat(net.stateDict().keySet())
          .hasSize(122)
          .startsWith("conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean")
          .containsSubsequence(
              "layer1.0.conv1.weight",
              "layer1.0.bn1.running_mean",
              "layer1.0.conv2.weight",
              "layer1.1.bn2.num_batches_tracked",
              "layer2.0.downsample.0.weight",
              "layer2.0.downsample.1.running_var",
              "layer4.1.bn2.bias",
              "fc.weight",
              "fc.bias");
    }
    try (Module net = ResNet.resnet50(10)) {
      assertThat(net.stateDict())
          .hasSize(320)
          .containsKeys("layer1.0.conv3.weight", "layer1.0.downsample.0.weight")
          .doesNotContainKey("layer1.1.downsample.0.weight");
    }
    try (Module net = MobileNetV2.builder(10).build()) {
      assertThat(net.stateDict().keySet())
          .hasSize(314)
          .startsWith("features.0.0.weight", "features.0.1.weight")
          .containsSubsequence(
              "features.1.conv.0.0.weight",
              "features.1.conv.1.weight",
              "features.2.conv.1.1.running_var",
              "features.17.conv.3.bias",
              "features.18.0.weight",
              "classifier.1.weight",
              "classifier.1.bias");
    }
  }

  @Test
  void givesLogitsForImagesOfAnySize() {
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      Tensor images = torch.randn(2, 3, 33, 36);
      for (Module net :
          List.of(
              ResNet.resnet50(7),
              ResNet.cifar18(7),
              ResNet.cifar20(7),
              MobileNetV2.builder(7).width(0.35).build(),
              MobileNetV2.cifar(7).build())) {
        try (net) {
          net.eval();
          assertThat(Tensors.shape(net.call(images))).as(net.toString()).containsExactly(2, 7);
        }
      }
      try (Module net = new MnistCnn()) {
        Tensor digits = torch.randn(2, 1, 28, 28);
        assertThat(Tensors.shape(net.call(digits))).containsExactly(2, 10);
        assertThatThrownBy(() -> net.call(torch.randn(2, 3, 28, 28)))
            .isInstanceOf(ModuleException.class)
            .hasMessageContaining("conv1");
      }
    }
  }

  /** He's variance, 2 / fan-out, and what torchvision sets in classifiers. */
  @Test
  void startsAsTorchvisionDoes() {
    Torch.seed(3);
    try (Module net = ResNet.cifar18(10);
        Module mobile = MobileNetV2.builder(1000).build();
        Module third = MobileNetV3.large(10).build();
        Module inception = InceptionV3.builder(1000).build();
        Scope scope = Scope.open()) {
      Tensor weight = net.stateDict().get("layer4.0.conv2.weight");
      assertThat(weight.std().item_double()).isCloseTo(Math.sqrt(2.0 / (512 * 9)), share(0.01));
      Tensor stem = net.stateDict().get("conv1.weight");
      assertThat(stem.std().item_double()).isCloseTo(Math.sqrt(2.0 / (64 * 9)), share(0.1));
      Tensor head = mobile.stateDict().get("classifier.1.weight");
      assertThat(head.std().item_double()).isCloseTo(0.01, share(0.01));
      assertThat(mobile.stateDict().get("classifier.1.bias").abs().sum().item_double()).isZero();
      Map<String, Tensor> squeezed = third.stateDict();
      assertThat(squeezed.get("features.4.block.2.fc1.bias").abs().sum().item_double()).isZero();
      assertThat(squeezed.get("classifier.3.weight").std().item_double())
          .isCloseTo(0.01, share(0.03));
      Map<String, Tensor> normal = inception.stateDict();
      assertThat(normal.get("fc.weight").std().item_double()).isCloseTo(0.1, share(0.01));
      assertThat(normal.get("Mixed_6b.branch1x1.conv.weight").std().item_double())
          .isCloseTo(0.1, share(0.01));
      assertThat(normal.get("AuxLogits.fc.weight").std().item_double())
          .isCloseTo(0.001, share(0.01));
    }
  }

  private static org.assertj.core.data.Percentage share(double part) {
    return org.assertj.core.data.Percentage.withPercentage(100 * part);
  }

  @Test
  void tracesComputeTheSameInOnnxRuntime() {
    Torch.seed(1);
    assertTraceAgrees(ResNet.resnet18(10), 40);
    assertTraceAgrees(ResNet.cifar20(10), 32);
    assertTraceAgrees(MobileNetV2.builder(10).width(0.5).build(), 40);
  }

  private static void assertTraceAgrees(Module made, int size) {
    try (Module net = made;
        Scope scope = Scope.open()) {
      Tensor images = torch.randn(4, 3, size, size);
      try (Torch.Switched noGrad = Torch.noGrad()) {
        // Running statistics that are not those of a fresh network.
        net.call(images);
        net.call(torch.randn(4, 3, size, size));
        net.eval();
        float[] expected = Tensors.toFloats(net.call(images));
        Model model = Trace.of(net).graph(torch.randn(2, 3, size, size));
        HostTensor input = Images.host(images);
        assertThat(Images.run(model, input)).hasSize(40);
        assertThat(Images.run(model, input)).containsExactly(expected, Offset.offset(1e-4f));
      }
    }
  }

  @Test
  void trainsAStep() {
    Torch.seed(2);
    for (Module made : List.of(ResNet.cifar20(10), MobileNetV2.cifar(10).width(0.25).build())) {
      try (Module net = made;
          Optimizer optimizer =
              Optimizer.sgd(
                  List.of(ParameterGroup.of(net.parameters().values(), 0.02, 0)), 0.9, false);
          Scope scope = Scope.open()) {
        Tensor images = torch.randn(8, 3, 32, 32);
        Tensor labels = Tensors.of(new long[] {0, 1, 2, 3, 4, 5, 6, 7}, 8);
        double first = 0;
        double last = 0;
        for (int step = 0; step < 4; step++) {
          optimizer.zeroGrad();
          Tensor loss = torch.cross_entropy_loss(net.call(images), labels);
          loss.backward();
          optimizer.step();
          last = loss.item_double();
          first = step == 0 ? last : first;
        }
        assertThat(last).as(net.toString()).isFinite().isLessThan(first);
      }
    }
  }

  @Test
  void headsLearnFromLossesOfTheirOwn() {
    Torch.seed(4);
    try (GoogLeNet net = GoogLeNet.builder(3).dropout(0).dropoutAux(0).build();
        Scope scope = Scope.open()) {
      GoogLeNetOutputs outputs = net.run(torch.randn(2, 3, 64, 64));
      Tensor labels = Tensors.of(new long[] {0, 2}, 2);
      Tensor loss = torch.cross_entropy_loss(outputs.logits(), labels);
      loss = loss.add(torch.cross_entropy_loss(outputs.auxLogits1(), labels));
      loss = loss.add(torch.cross_entropy_loss(outputs.auxLogits2(), labels));
      loss.backward();
      assertThat(net.parameters())
          .allSatisfy(
              (name, weight) ->
                  assertThat(weight.grad().abs().sum().item_double()).as(name).isPositive());
      assertThat(net.stateDict().get("aux1.conv.bn.num_batches_tracked").item_long()).isOne();
    }
  }

  @Test
  void isQuantizedWhereItIsBuilt() {
    try (QuantModules quantized = QuantModules.initialize();
        Module net = ResNet.cifar20(10);
        Module mobile = MobileNetV2.cifar(10).build()) {
      assertThat(net.get("conv1")).isInstanceOf(QuantConv2d.class);
      assertThat(net.get("layer2.0.add")).isInstanceOf(QuantAdd.class);
      assertThat(net.get("fc")).isInstanceOf(QuantLinear.class);
      assertThat(mobile.get("features.5.conv.1.0")).isInstanceOf(QuantConv2d.class);
      assertThat(mobile.get("features.5.add")).isInstanceOf(QuantAdd.class);
    }
  }

  @Test
  void imagesThatAreToBeTransformedHaveThreeChannels() {
    try (GoogLeNet net = GoogLeNet.builder(3).auxLogits(false).transformInput(true).build();
        Scope scope = Scope.open()) {
      assertThatThrownBy(() -> net.call(torch.randn(1, 1, 64, 64)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("transform_input")
          .hasMessageContaining("[N, 3, H, W]");
    }
  }

  @Test
  void refusesSettingsThatAreNoNetwork() {
    assertThatThrownBy(() -> ResNet.resnet18(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> MobileNetV2.builder(10).width(Double.NaN))
        .hasMessageContaining("width multiplier is NaN");
    assertThatThrownBy(() -> MobileNetV3.large(10).widthMult(0)).hasMessageContaining("is 0.0");
    assertThatThrownBy(() -> GoogLeNet.builder(10).dropoutAux(-1).build())
        .hasMessageContaining("-1.0");
    assertThatThrownBy(() -> ResNet.resnext101(10, 0, 4)).hasMessageContaining("0 groups of 4");
    assertThatThrownBy(() -> new MobileNetV2.Stage(1, 16, 0, 1)).hasMessageContaining("repeats 0");
    assertThatThrownBy(() -> MobileNetV2.builder(10).dropout(1.5).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1.5");
  }
}
