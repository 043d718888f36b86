package dev.octet.graph.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxWriterTest {
  private static final byte[] FORMER = {1, 2, 3};

  @TempDir Path folder;

  @Test
  void putsLargeTensorsBesideTheModelOnPagesOfTheirOwn() throws Exception {
    Path file = folder.resolve("m.onnx");
    OnnxWriter.write(withWeights(), file, WriteOptions.external(16));
    List<Path> files = list();
    assertThat(files).hasSize(2);
    assertThat(files.get(0).getFileName().toString()).matches("m\\.onnx\\.[0-9a-f]{16}\\.data");
    assertThat(files.get(0)).hasSize(4096 + 16);
    Model again = OnnxReader.read(file);
    assertThat(again.graph().value("w").initializer())
        .isEqualTo(withWeights().graph().value("w").initializer());
    assertThat(OnnxWriter.toBytes(again)).isEqualTo(OnnxWriter.toBytes(withWeights()));
    ModelProto proto = ModelProto.parseFrom(Files.readAllBytes(file));
    assertThat(proto.getGraph().getInitializerList())
        .filteredOn(TensorDecoder::isExternal)
        .hasSize(2);
  }

  @Test
  void writesASharedTensorOnce() throws IOException {
    Model model = withWeights();
    Tensor shared = model.graph().value("w").initializer();
    model.graph().setInitializer(model.graph().value("v"), shared);
    OnnxWriter.write(model, folder.resolve("m.onnx"), WriteOptions.external(16));
    assertThat(list().get(0)).hasSize(16);
  }

  @Test
  void writesTheSameFilesForTheSameModel() throws IOException {
    OnnxWriter.write(withWeights(), folder.resolve("m.onnx"), WriteOptions.external(16));
    byte[] first = Files.readAllBytes(folder.resolve("m.onnx"));
    OnnxWriter.write(withWeights(), folder.resolve("m.onnx"), WriteOptions.external(16));
    assertThat(folder.resolve("m.onnx")).hasBinaryContent(first);
    assertThat(list()).hasSize(2);
  }

  @Test
  void replacesALinkAndNotWhatItPointsTo() throws IOException {
    Path elsewhere = Files.write(folder.resolve("elsewhere"), FORMER);
    Path file = Files.createSymbolicLink(folder.resolve("m.onnx"), elsewhere);
    OnnxWriter.write(withWeights(), file);
    assertThat(elsewhere).hasBinaryContent(FORMER);
    assertThat(file).isRegularFile();
    assertThat(Files.isSymbolicLink(file)).isFalse();
  }

  @Test
  void leavesTheFormerFileAndNoDraftWhenWritingBreaksOff() throws IOException {
    Path file = Files.write(folder.resolve("m.onnx"), FORMER);
    assertThatThrownBy(
            () ->
                new AtomicFile(
                    folder,
                    out -> {
                      out.write(new byte[1 << 20]);
                      throw new IOException("disk full");
                    }))
        .isInstanceOf(IOException.class)
        .hasMessage("disk full");
    assertThat(file).hasBinaryContent(FORMER);
    assertThat(list()).containsExactly(file);
  }

  @Test
  void removesNewDataWhenTheModelCannotTakeItsPlace() throws IOException {
    Path file = Files.createDirectory(folder.resolve("m.onnx"));
    Files.write(file.resolve("occupied"), FORMER);
    assertThatThrownBy(() -> OnnxWriter.write(withWeights(), file, WriteOptions.external(16)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("the model cannot be written");
    assertThat(list()).containsExactly(file);
  }

  @Test
  void saysWhenTheFolderIsNotThere() {
    assertThatThrownBy(() -> OnnxWriter.write(withWeights(), folder.resolve("no").resolve("m")))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("the model cannot be written: java.nio.file.NoSuchFileException");
  }

  @Test
  void saysWhenTheTargetIsNoFile() {
    assertThatThrownBy(() -> OnnxWriter.write(withWeights(), folder.getRoot()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("this is the root of a file system");
  }

  @Test
  void refusesAValueThatNobodyMakes() {
    Model model = relu();
    Graph graph = model.graph();
    Value ghost = graph.addValue("ghost", null);
    graph.setInput(graph.nodes().get(0), 0, ghost);
    assertThatThrownBy(() -> OnnxWriter.toBytes(model))
        .hasMessage("graph 'main': value 'ghost' is needed, but nobody makes it");
  }

  @Test
  void refusesAnOutputThatIsListedTwice() {
    Model model = relu();
    model.graph().addOutput(model.graph().value("y"));
    assertThatThrownBy(() -> OnnxWriter.toBytes(model))
        .hasMessage("graph 'main': output 'y' is listed twice");
  }

  @Test
  void refusesElementTypesNewerThanTheFormat() {
    Model model = relu();
    model.graph().addConstant("w", Tensor.ofRaw(DataType.INT4, new byte[1], 2));
    assertThatThrownBy(() -> OnnxWriter.toBytes(model))
        .hasMessage(
            "graph 'main', initializer 'w' is of type INT4, which format version 8 does not have;"
                + " raise it with raiseIrVersion(10)");
    model.raiseIrVersion(10);
    assertThat(OnnxWriter.toBytes(model)).isNotEmpty();
  }

  @Test
  void refusesAFreeInitializerInAnOldFormat() {
    Model model = OnnxReader.read(SampleModels.initializerIsInput().toByteArray(), "old");
    model.graph().addConstant("v", Tensor.ofFloats(new float[] {1}, 1));
    assertThatThrownBy(() -> OnnxWriter.toBytes(model))
        .hasMessageContaining("initializer 'v' is not an input")
        .hasMessageContaining("raiseIrVersion(4)");
  }

  @Test
  void refusesAnOperatorOfADomainThatIsNotImported() {
    Model model = relu();
    Graph graph = model.graph();
    Value z = graph.addFresh("z", null);
    graph.add(NodeSpec.of("Fast").in("com.microsoft").reads(graph.value("x")).makes(z));
    assertThatThrownBy(() -> OnnxWriter.toBytes(model))
        .hasMessageContaining("'Fast -> z' is of domain 'com.microsoft'");
    model.setOpset("com.microsoft", 1);
    assertThat(OnnxWriter.toBytes(model)).isNotEmpty();
  }

  @Test
  void refusesANameThatHidesTheValueANestedNodeReads() {
    Model model = OnnxReader.read(SampleModels.branches().toByteArray(), "if");
    Graph then = model.graph().nodes().get(0).nestedGraphs().get(0);
    then.setInitializer(then.addValue("x", null), Tensor.ofFloats(new float[] {1}, 1));
    assertThatThrownBy(() -> OnnxWriter.toBytes(model))
        .hasMessageContaining("a nested graph has another value of that name");
  }

  @Test
  void dropsDocumentationOfATypeThatChanged() throws Exception {
    Model model = OnnxReader.read(SampleModels.otherTypes().toByteArray(), "types");
    Value dims = model.graph().value("dims");
    model.graph().setType(dims, model.graph().value("x").type());
    ModelProto proto = ModelProto.parseFrom(OnnxWriter.toBytes(model));
    assertThat(proto.getGraph().getInputList())
        .filteredOn(info -> info.getName().equals("dims"))
        .singleElement()
        .extracting(info -> info.getType())
        .isEqualTo(SampleModels.type(1, 2));
  }

  @Test
  void checksItsOptions() {
    assertThatThrownBy(() -> new WriteOptions(1, 3)).hasMessageContaining("choose a power of two");
    assertThatThrownBy(() -> WriteOptions.external(-1)).hasMessageContaining("choose 0 or more");
  }

  private static Model relu() {
    return OnnxReader.read(SampleModels.relu().toByteArray(), "relu");
  }

  private static Model withWeights() {
    Graph graph = new Graph("main");
    Value x = graph.addValue("x", null);
    graph.addInput(x);
    Value w = graph.addConstant("w", Tensor.ofFloats(new float[] {1, 2, 3, 4}, 2, 2));
    Value v = graph.addConstant("v", Tensor.ofFloats(new float[] {5, 6, 7, 8}, 2, 2));
    Value small = graph.addConstant("small", Tensor.ofFloats(new float[] {5}, 1));
    Value y = graph.addValue("y", null);
    graph.add(NodeSpec.of("Sum").reads(x, w, v, small).makes(y));
    graph.addOutput(y);
    return new Model(8, Map.of("", 13L), Map.of(), graph, Bytes.EMPTY);
  }

  private List<Path> list() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted((a, b) -> b.toString().length() - a.toString().length()).toList();
    }
  }
}
