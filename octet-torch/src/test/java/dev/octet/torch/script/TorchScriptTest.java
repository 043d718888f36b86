package dev.octet.torch.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole modules, traced and scripted by PyTorch. */
class TorchScriptTest {
  static final Path FILES = Path.of("src/test/resources/script");

  @ParameterizedTest
  @ValueSource(strings = {"resnet", "resnet-scripted"})
  void residualNetwork(String name) {
    Model model =
        Scripts.check(
            FILES.resolve(name + ".pt"), 1e-5, ExampleInput.of(DataType.FLOAT, 1, 3, 16, 16));
    assertThat(model.opset()).isEqualTo(17);
    assertThat(model.graph().inputs()).extracting(Value::name).containsExactly("x");
    assertThat(model.graph().outputs()).extracting(Value::name).containsExactly("output");
    assertThat(model.graph().outputs().get(0).shape())
        .isEqualTo(List.of(new Dimension.Fixed(1), new Dimension.Fixed(5)));
    assertThat(model.graph().nodes())
        .extracting(Node::name)
        .contains("stem.0/Conv", "layer1.0.bn2/BatchNormalization", "fc/Gemm");
    assertThat(model.graph().value("layer1.0.conv1.weight")).isNotNull();
    assertThat(model.graph().value("fc.bias")).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"transformer", "transformer-scripted"})
  void transformerEncoderLayer(String name) {
    Model model =
        Scripts.check(FILES.resolve(name + ".pt"), 1e-5, ExampleInput.of(DataType.FLOAT, 2, 5, 8));
    assertThat(model.graph().nodes())
        .filteredOn(n -> n.is("LayerNormalization") || n.is("Softmax"))
        .hasSize(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"recurrent", "recurrent-scripted"})
  void recurrentNetwork(String name) {
    Model model =
        Scripts.check(FILES.resolve(name + ".pt"), 1e-5, ExampleInput.of(DataType.INT64, 2, 7));
    assertThat(model.graph().nodes()).filteredOn(n -> n.is("LSTM")).hasSize(2);
    assertThat(model.graph().nodes()).filteredOn(n -> n.is("GRU")).hasSize(1);
    assertThat(model.graph().outputs())
        .extracting(Value::name)
        .containsExactly("output_0", "output_1", "output_2");
  }

  @Test
  void branchesAndLoopsThatShapesDecide() {
    Scripts.check(FILES.resolve("control.pt"), 1e-5, ExampleInput.of(DataType.FLOAT, 2, 4, 6));
    Model other =
        Scripts.check(FILES.resolve("control.pt"), 1e-5, ExampleInput.of(DataType.FLOAT, 2, 2, 6));
    assertThat(other.graph().nodes()).noneMatch(n -> n.is("If") || n.is("Loop"));
  }

  @Test
  void refusesABranchThatValuesDecideAndNamesTheLine() {
    assertThatThrownBy(
            () ->
                TorchScript.read(
                    FILES.resolve("data-dependent.pt"), ExampleInput.of(DataType.FLOAT, 3)))
        .isInstanceOf(TorchScriptException.class)
        .hasMessageContaining("data-dependent.pt: aten::Bool reads a number")
        .hasMessageContaining("code/__torch__.py:");
  }

  @Test
  void listsEveryUnsupportedOperatorAtOnce() {
    assertThatThrownBy(
            () ->
                TorchScript.read(
                    FILES.resolve("unsupported.pt"), ExampleInput.of(DataType.FLOAT, 3, 3)))
        .isInstanceOf(TorchScriptException.class)
        .hasMessageContaining("aten::linalg_eigvals at code/__torch__.py:")
        .hasMessageContaining("aten::fft_fft at code/__torch__.py:")
        .hasMessageContaining("aten::linalg_det at code/__torch__.py:");
  }

  @Test
  void asksForTheInputsOfForward() {
    Path file = FILES.resolve("resnet.pt");
    assertThatThrownBy(() -> TorchScript.read(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("argument 'x'");
    ExampleInput x = ExampleInput.of(DataType.FLOAT, 1, 3, 16, 16);
    assertThatThrownBy(() -> TorchScript.read(file, x, x.named("y")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("y");
    assertThat(TorchScript.read(file, x.named("x")).graph().inputs()).hasSize(1);
  }

  @Test
  void saysWhatFailsOnAWrongShape() {
    assertThatThrownBy(
            () ->
                TorchScript.read(
                    FILES.resolve("resnet.pt"), ExampleInput.of(DataType.FLOAT, 1, 4, 16, 16)))
        .isInstanceOf(TorchScriptException.class)
        .hasMessageContaining("fails on the example inputs");
  }
}
