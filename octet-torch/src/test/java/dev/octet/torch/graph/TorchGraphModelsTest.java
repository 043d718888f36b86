package dev.octet.torch.graph;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.testing.SharedFolder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real models compute what they compute in ONNX Runtime. Skipped where they are not present. */
final class TorchGraphModelsTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "mnist-cnn",
        "resnet20-cifar10",
        "mobilenetv2-cifar10",
        "squeezenet1_1-imagenet",
        "sst2-transformer",
        "dtln-1"
      })
  void agreesWithOnnxRuntimeAndWritesTheSameModel(String name) {
    Model model = OnnxReader.read(SharedFolder.require("models/" + name + ".onnx"));
    OrtAgreement.assertAgrees(model, OrtAgreement.inputs(model, 3), 1e-4);
    try (TorchGraph net = TorchGraph.of(model)) {
      assertThat(net.parameters()).isNotEmpty();
      assertThat(OnnxWriter.toBytes(net.toModel())).isEqualTo(OnnxWriter.toBytes(model));
    }
  }
}
