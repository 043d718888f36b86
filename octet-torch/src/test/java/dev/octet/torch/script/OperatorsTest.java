package dev.octet.torch.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.torch.Scope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Single operators: LibTorch's results against ONNX Runtime's. */
class OperatorsTest {
  @TempDir Path folder;

  /**
   * @param body what {@code forward} returns; {@code ;} separates statements before it
   * @param inputs names with shapes, such as {@code x:2x3}; {@code i:} before the shape for
   *     integers
   * @param parameters the same for weights of the module
   */
  @ParameterizedTest
  @CsvFileSource(
      resources = "/script/operators.csv",
      delimiter = '|',
      ignoreLeadingAndTrailingWhitespace = true)
  void computesAsLibTorch(String body, String inputs, String parameters) {
    check(body, inputs, parameters);
  }

  private Model check(String body, String inputs, String parameters) {
    List<String> names = new ArrayList<>();
    List<ExampleInput> examples = new ArrayList<>();
    for (String input : inputs.split(" ", -1)) {
      String[] parts = input.split(":", -1);
      names.add(parts[0]);
      DataType type = parts.length > 2 ? DataType.INT64 : DataType.FLOAT;
      examples.add(ExampleInput.of(type, shape(parts[parts.length - 1])));
    }
    Map<String, Tensor> weights = new LinkedHashMap<>();
    torch.manual_seed(1);
    for (String parameter : parameters == null ? new String[0] : parameters.split(" ", -1)) {
      String[] parts = parameter.split(":", -1);
      weights.put(parts[0], torch.rand(shape(parts[1])).add(new org.bytedeco.pytorch.Scalar(0.1)));
    }
    String[] statements = body.split(";", -1);
    StringBuilder source =
        new StringBuilder("def forward(self, " + String.join(", ", names) + "):\n");
    for (int i = 0; i < statements.length; i++) {
      source.append(i == statements.length - 1 ? "  return " : "  ").append(statements[i].strip());
      source.append('\n');
    }
    Path file = Scripts.save(folder, source.toString(), weights);
    return Scripts.check(file, 2e-5, examples.toArray(ExampleInput[]::new));
  }

  private static long[] shape(String text) {
    return text.equals("-")
        ? new long[0]
        : Arrays.stream(text.split("x", -1)).mapToLong(Long::parseLong).toArray();
  }

  @Test
  void keepsFakeQuantizationOfWeights() {
    Model model =
        check(
            "w = torch.fake_quantize_per_channel_affine(self.w, torch.ones([4]) * 0.01,"
                + " torch.zeros([4], dtype=3), 0, -127, 127);"
                + "torch.conv2d(torch.fake_quantize_per_tensor_affine(x, 0.1, 10, 0, 255), w)",
            "x:1x3x5x5",
            "w:4x3x3x3");
    assertThat(model.graph().nodes())
        .extracting(n -> n.op())
        .containsOnly("QuantizeLinear", "Clip", "DequantizeLinear", "Conv");
    assertThat(model.graph().value("w")).isNotNull();
  }

  @Test
  void refusesWhatATrainingModuleDoes() {
    assertThatThrownBy(() -> check("torch.dropout(x, 0.5, True)", "x:2x3", null))
        .isInstanceOf(TorchScriptException.class)
        .hasMessageContaining("aten::dropout drops out as in training; call eval()");
    assertThatThrownBy(() -> check("self.w.add_(1);x + self.w", "x:2", "w:2"))
        .isInstanceOf(TorchScriptException.class)
        .hasMessageContaining("writes into the module's own 'w'");
  }

  @Test
  void runsNothingThatTouchesFiles() {
    Path target = folder.resolve("written");
    assertThatThrownBy(() -> check("torch.save(x, '" + target + "');x", "x:2", null))
        .isInstanceOf(TorchScriptException.class)
        .hasMessageContaining("aten::save");
    assertThat(target).doesNotExist();
  }

  /** LibTorch itself would read past the end of its own memory. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "torch.lstm_cell(x, [self.h, self.h], self.w, self.v)[0]",
        "torch.gru_cell(x, self.h, self.w, self.v)",
        "torch.lstm(x.unsqueeze(0), [self.h.unsqueeze(0), self.h.unsqueeze(0)], [self.w, self.v],"
            + " False, 1, 0.0, False, False, False)[0]",
        "torch.gru(x.unsqueeze(0), self.h.unsqueeze(0), [self.w, self.v],"
            + " False, 1, 0.0, False, False, False)[0]"
      })
  void refusesWeightsThatAreNoWholeGates(String expression) {
    try (Scope scope = Scope.open()) {
      Path file =
          Scripts.save(
              folder,
              "def forward(self, x: Tensor) -> Tensor:\n  return " + expression + "\n",
              Map.of("w", torch.rand(5, 4), "v", torch.rand(5, 2), "h", torch.rand(2, 2)));
      assertThatThrownBy(() -> TorchScript.read(file, ExampleInput.of(DataType.FLOAT, 2, 4)))
          .isInstanceOf(TorchScriptException.class)
          .hasMessageContaining("has a weight of shape [5, 4], whose rows are not");
    }
  }
}
