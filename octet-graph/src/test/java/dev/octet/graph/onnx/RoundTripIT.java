package dev.octet.graph.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RoundTripIT {
  @TempDir Path folder;

  @Test
  void realModelsAnswerTheSameAfterARoundTrip() throws Exception {
    List<Path> models = SharedModels.all();
    assumeThat(models).as("the shared models").isNotEmpty();
    for (Path model : models) {
      Path written = folder.resolve("written.onnx");
      OnnxWriter.write(OnnxReader.read(model), written);
      assertThat(Ort.run(written))
          .as(model.getFileName().toString())
          .usingRecursiveComparison()
          .isEqualTo(Ort.run(Files.readAllBytes(model)));
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"relu", "if", "loop", "optional-links", "typed-data", "kept-unread"})
  void samplesAnswerTheSameAfterARoundTrip(String name) throws Exception {
    byte[] before = SampleModels.all().get(name).toByteArray();
    byte[] after = OnnxWriter.toBytes(OnnxReader.read(before, name));
    assertThat(Ort.run(after)).usingRecursiveComparison().isEqualTo(Ort.run(before));
  }

  @Test
  void aModelWithItsWeightsBesideItAnswersTheSame() throws Exception {
    byte[] before = SampleModels.branches().toByteArray();
    Path file = folder.resolve("m.onnx");
    OnnxWriter.write(OnnxReader.read(before, "if"), file, WriteOptions.external(8));
    assertThat(Ort.run(file)).usingRecursiveComparison().isEqualTo(Ort.run(before));
    OnnxWriter.write(OnnxReader.read(file), file);
    assertThat(Ort.run(file)).usingRecursiveComparison().isEqualTo(Ort.run(before));
  }

  @Test
  void aModelMadeInMemoryRuns() throws Exception {
    Graph graph = new Graph("made");
    ValueType type =
        new ValueType.TensorType(
            DataType.FLOAT, List.of(new Dimension.Symbolic("n"), new Dimension.Fixed(2)));
    Value x = graph.addValue("x", type);
    graph.addInput(x);
    Value w = graph.addConstant("w", Tensor.ofFloats(new float[] {1, 2, 3, 4}, 2, 2));
    Value y = graph.addValue("y", type);
    graph.add(NodeSpec.of("MatMul").reads(x, w).makes(y));
    graph.addOutput(y);
    Model model = new Model(8, Map.of("", 17L), Map.of("about", "a test"), graph, Bytes.EMPTY);
    byte[] bytes = OnnxWriter.toBytes(model);
    assertThat(Ort.run(bytes)).containsOnlyKeys("y");
    assertThat(OnnxWriter.toBytes(OnnxReader.read(bytes, "made"))).isEqualTo(bytes);
  }
}
