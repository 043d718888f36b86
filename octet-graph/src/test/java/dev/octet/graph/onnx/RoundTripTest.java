package dev.octet.graph.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.octet.graph.Model;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RoundTripTest {

  static Stream<String> samples() {
    return SampleModels.all().keySet().stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void readingAndWritingKeepsEverythingTheFileSays(String name) throws Exception {
    ModelProto before = SampleModels.all().get(name);
    byte[] written = OnnxWriter.toBytes(OnnxReader.read(before.toByteArray(), name));
    assertThat(Normalised.of(ModelProto.parseFrom(written)))
        .isEqualTo(Normalised.of(inOrder(before)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void aCopyWritesTheSameBytes(String name) {
    Model model = OnnxReader.read(SampleModels.all().get(name).toByteArray(), name);
    assertThat(OnnxWriter.toBytes(model.copy())).isEqualTo(OnnxWriter.toBytes(model));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void whatWasWrittenReadsAndWritesTheSame(String name) {
    byte[] once =
        OnnxWriter.toBytes(OnnxReader.read(SampleModels.all().get(name).toByteArray(), name));
    assertThat(OnnxWriter.toBytes(OnnxReader.read(once, name))).isEqualTo(once);
  }

  @Test
  void realModelsKeepEverything() throws Exception {
    List<Path> models = SharedModels.all();
    Assumptions.assumeFalse(models.isEmpty(), "there is no shared folder with models");
    for (Path model : models) {
      byte[] written = OnnxWriter.toBytes(OnnxReader.read(model));
      assertThat(Normalised.of(ModelProto.parseFrom(written)))
          .as(model.getFileName().toString())
          .isEqualTo(Normalised.of(ModelProto.parseFrom(Files.readAllBytes(model))));
    }
  }

  /** Nodes in the order a runtime would run them, which is the one we write. */
  private static ModelProto inOrder(ModelProto model) {
    GraphProto graph = model.getGraph();
    Set<String> made = new java.util.HashSet<>();
    graph.getInputList().forEach(input -> made.add(input.getName()));
    graph.getInitializerList().forEach(tensor -> made.add(tensor.getName()));
    graph.getSparseInitializerList().forEach(s -> made.add(s.getValues().getName()));
    made.add("");
    GraphProto.Builder ordered = graph.toBuilder().clearNode();
    List<NodeProto> left = new ArrayList<>(graph.getNodeList());
    while (!left.isEmpty()) {
      NodeProto next =
          left.stream().filter(n -> made.containsAll(n.getInputList())).findFirst().orElseThrow();
      made.addAll(next.getOutputList());
      ordered.addNode(next);
      left.remove(next);
    }
    return model.toBuilder().setGraph(ordered).build();
  }
}
