package dev.octet.torch.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.testing.SharedFolder;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.models.ResNet;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.trace.Trace;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LayerGraphTest {
  @TempDir private Path folder;

  @Test
  void layersHaveTheNamesThatTheyWereExportedFrom() {
    Torch.seed(1);
    try (Module net = ResNet.cifar20(10);
        Scope scope = Scope.open()) {
      net.eval();
      Tensor x = torch.rand(2, 3, 32, 32);
      Model model = Trace.of(net).graph(x);
      try (LayerGraph layers = LayerGraph.of(model)) {
        layers.eval();
        assertThat(layers.get("layer1.0.conv1")).isInstanceOf(Conv2d.class);
        assertThat(layers.get("layer1.0.bn1")).isInstanceOf(BatchNorm2d.class);
        assertThat(layers.get("layer1.0.relu")).isInstanceOf(Activation.class);
        assertThat(layers.get("layer1.0.relu2")).isInstanceOf(Activation.class);
        assertThat(layers.get("layer1.0.add.add")).isInstanceOf(Add.class);
        assertThat(layers.get("fc")).isInstanceOf(Linear.class);
        assertThat(layers.parameters().keySet())
            .containsExactlyInAnyOrderElementsOf(net.parameters().keySet());
        assertSame(layers.call(x), net.call(x));
        // And back.
        try (LayerGraph again =
            LayerGraph.of(
                Trace.of(layers)
                    .opset(layers.opset())
                    .input(layers.inputNames().get(0))
                    .graph(x))) {
          again.eval();
          assertSame(again.call(x), net.call(x));
        }
        layers.train(true);
        layers.call(x).sum().backward();
        assertThat(layers.parameters().get("conv1.weight").grad().defined()).isTrue();
      }
    }
  }

  private static void assertSame(Tensor actual, Tensor expected) {
    float[] a = Tensors.toFloats(actual);
    float[] b = Tensors.toFloats(expected);
    assertThat(a).hasSameSizeAs(b);
    for (int i = 0; i < a.length; i++) {
      assertThat(a[i]).isCloseTo(b[i], within(1e-4f * Math.max(1, Math.abs(b[i]))));
    }
  }

  @Test
  void computesWhatTheGraphComputes() throws Exception {
    Path file = Files.write(folder.resolve("demo.onnx"), DemoModel.onnx());
    assertAgrees(OnnxReader.read(file), 3, 32);
  }

  @ParameterizedTest
  @ValueSource(strings = {"resnet20-cifar10", "mobilenetv2-cifar10"})
  void computesWhatRealModelsCompute(String name) {
    assertAgrees(OnnxReader.read(SharedFolder.require("models/" + name + ".onnx")), 3, 32);
  }

  private static void assertAgrees(Model model, long channels, long size) {
    try (TorchGraph graph = TorchGraph.of(model);
        LayerGraph layers = LayerGraph.of(model);
        Scope scope = Scope.open()) {
      graph.eval();
      layers.eval();
      Tensor x = torch.rand(2, channels, size, size);
      assertSame(layers.call(x), graph.call(x));
      assertThat(layers.modules().values()).anyMatch(Conv2d.class::isInstance);
      Model traced = Trace.of(layers).opset(layers.opset()).graph(x);
      try (TorchGraph back = TorchGraph.of(traced)) {
        back.eval();
        assertSame(back.call(x), graph.call(x));
      }
    }
  }

  @Test
  void refusesWhatItCannotCompute() {
    Model model;
    try (Module net = Linear.builder(2, 3).build();
        Scope scope = Scope.open()) {
      model = Trace.of(net).graph(torch.rand(1, 2));
    }
    Graph graph = model.graph();
    graph.add(
        dev.octet.graph.NodeSpec.of("Magic")
            .in("com.example")
            .named("trick")
            .reads(graph.inputs().iterator().next())
            .makes(graph.addValue("made", null)));
    assertThatThrownBy(() -> LayerGraph.of(model))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("'trick' (Magic)");
  }
}
