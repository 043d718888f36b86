package dev.octet.torch.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.rules.Rules;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.HostTensor;
import dev.octet.testing.SharedFolder;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.nn.QuantConv2d;
import dev.octet.torch.quant.nn.QuantModules;
import dev.octet.torch.weights.Safetensors;
import dev.octet.torch.weights.WeightsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelWeightsTest {
  private static final int COUNT = 500;

  @TempDir Path folder;

  @Test
  void aSafetensorsFileMakesTheNetworkThatItsOnnxModelIs() {
    Path file = SharedFolder.require("models/mobilenetv2-cifar10.safetensors");
    Model model = OnnxReader.read(SharedFolder.require("models/mobilenetv2-cifar10.onnx"));
    try (Module net = MobileNetV2.cifar(10).width(0.5).build()) {
      Module.Mismatch mismatch = ModelWeights.load(net, file, true);
      assertThat(mismatch.missing()).isEmpty();
      assertThat(mismatch.unexpected()).isEmpty();
      assertAgrees(net, model, Images.cifar10(COUNT));
    }
  }

  @Test
  void weightsOfOnnxModelsMakeTheNetworksThatTheyAre() {
    Model resnet = OnnxReader.read(SharedFolder.require("models/resnet20-cifar10.onnx"));
    try (Module net = ResNet.cifar20(10)) {
      Map<String, dev.octet.graph.Tensor> weights = named(resnet, net);
      weights.put("fc.weight", weight(resnet, "linear.weight"));
      weights.put("fc.bias", weight(resnet, "linear.bias"));
      ModelWeights.load(net, weights, true);
      assertAgrees(net, resnet, Images.cifar10(COUNT));
    }
    Model digits = OnnxReader.read(SharedFolder.require("models/mnist-cnn.onnx"));
    try (Module net = new MnistCnn()) {
      ModelWeights.load(net, named(digits, net), true);
      HostTensor images = Images.mnist(COUNT);
      float[] logProbabilities = Images.run(digits, images);
      assertThat(classes(outputs(net, images))).isEqualTo(classes(logProbabilities));
    }
  }

  private static Map<String, dev.octet.graph.Tensor> named(Model model, Module net) {
    Map<String, dev.octet.graph.Tensor> weights = new LinkedHashMap<>();
    for (String name : net.stateDict().keySet()) {
      Value value = model.graph().value(name);
      if (value != null) {
        weights.put(name, weight(model, name));
      }
    }
    return weights;
  }

  private static dev.octet.graph.Tensor weight(Model model, String name) {
    Value value = model.graph().value(name);
    assertThat(value).as(name).isNotNull();
    dev.octet.graph.Tensor weight = value.initializer();
    assertThat(weight).as(name).isNotNull();
    return weight;
  }

  private static void assertAgrees(Module net, Model model, HostTensor images) {
    float[] expected = Images.run(model, images);
    float[] actual = outputs(net, images);
    assertThat(actual).containsExactly(expected, Offset.offset(1e-3f));
    assertThat(classes(actual)).isEqualTo(classes(expected));
  }

  private static float[] outputs(Module net, HostTensor images) {
    net.eval();
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      return Tensors.toFloats(net.call(Images.tensor(images)));
    }
  }

  private static int[] classes(float[] logits) {
    int[] classes = new int[logits.length / 10];
    for (int i = 0; i < classes.length; i++) {
      for (int c = 1; c < 10; c++) {
        if (logits[10 * i + c] > logits[10 * i + classes[i]]) {
          classes[i] = c;
        }
      }
    }
    return classes;
  }

  @Test
  void whatIsSavedComesBack() {
    Path file = folder.resolve("net.safetensors");
    try (Module saved = ResNet.cifar20(10);
        Module loaded = ResNet.cifar20(10);
        Scope scope = Scope.open()) {
      saved.call(torch.randn(4, 3, 32, 32));
      ModelWeights.save(saved, file);
      assertThat(Safetensors.read(file).tensors()).hasSameSizeAs(saved.stateDict());
      ModelWeights.load(loaded, file, true);
      loaded
          .stateDict()
          .forEach(
              (name, tensor) ->
                  assertThat(tensor.equal(saved.stateDict().get(name))).as(name).isTrue());
    }
  }

  @Test
  void quantizersComeBackWithTheirRangesAndSettings() {
    Path file = folder.resolve("quantized.safetensors");
    try (Module saved = new MnistCnn();
        Module loaded = new MnistCnn()) {
      QuantModules.replace(saved, Rules.NONE);
      QuantModules.replace(loaded, Rules.NONE);
      TensorQuantizer quantizer = input(saved);
      quantizer.amax(2.5f);
      quantizer.scaleAmax(0.75f);
      ModelWeights.save(saved, file);
      ModelWeights.load(loaded, file, true);
      assertThat(input(loaded).config()).isEqualTo(quantizer.config());
      assertThat(input(loaded).ranges()).isEqualTo(quantizer.ranges());
    }
  }

  private static TensorQuantizer input(Module net) {
    assertThat(net.get("conv1")).isInstanceOf(QuantConv2d.class);
    return (TensorQuantizer) net.get("conv1._input_quantizer");
  }

  @Test
  void loadsACheckpointOfPyTorch() {
    // Linear(3, 2) as torch.save wrote it.
    try (Module net = new MnistCnn()) {
      assertThatThrownBy(() -> ModelWeights.load(net, fixture("module.pth"), true))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("module.pth")
          .hasMessageContaining("missing [conv1.weight")
          .hasMessageContaining("unexpected [");
      assertThat(ModelWeights.load(net, fixture("module.pth"), false).missing()).hasSize(8);
    }
  }

  private static Path fixture(String name) {
    return Path.of("src/test/resources/dev/octet/torch/weights", name);
  }

  @Test
  void refusesWhatDoesNotFit() throws Exception {
    try (Module net = new MnistCnn()) {
      dev.octet.graph.Tensor wrong = Tensors.toHost(net.stateDict().get("conv1.bias"));
      assertThatThrownBy(() -> ModelWeights.load(net, Map.of("conv2.bias", wrong), false))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("conv2.bias is Float[10], not Float[20]");
      dev.octet.graph.Tensor text = dev.octet.graph.Tensor.ofStrings(new long[] {0}, List.of());
      assertThat(text.type()).isEqualTo(DataType.STRING);
      assertThatThrownBy(() -> ModelWeights.load(net, Map.of("conv1.bias", text), false))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("weight 'conv1.bias'");
      assertThatThrownBy(() -> ModelWeights.save(net, folder.resolve("net.pth")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(".safetensors");
      Path broken = folder.resolve("broken.safetensors");
      Files.write(broken, new byte[] {1, 2, 3});
      assertThatThrownBy(() -> ModelWeights.load(net, broken, true))
          .isInstanceOf(WeightsException.class)
          .hasMessageContaining("broken.safetensors");
    }
  }

  @Test
  void countersOfBatchesMayBeAbsentOthersNot() {
    try (Module net = ResNet.cifar20(10)) {
      Map<String, dev.octet.graph.Tensor> weights = new LinkedHashMap<>();
      net.stateDict()
          .forEach(
              (name, tensor) -> {
                if (!name.endsWith("num_batches_tracked")) {
                  weights.put(name, Tensors.toHost(tensor));
                }
              });
      assertThat(ModelWeights.load(net, weights, true).missing()).isEmpty();
      weights.remove("bn1.running_var");
      assertThatThrownBy(() -> ModelWeights.load(net, weights, true))
          .hasMessageContaining("missing [bn1.running_var]");
    }
  }
}
