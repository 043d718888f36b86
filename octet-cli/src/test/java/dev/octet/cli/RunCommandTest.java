package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.NpyFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunCommandTest {
  private static final HostTensor ROW =
      HostTensor.ofFloats(new int[] {1, 3}, new float[] {1, -2, 4});

  @TempDir private Path folder;

  private Path x;

  @BeforeEach
  void writeInput() throws IOException {
    x = folder.resolve("x.npy");
    NpyFile.write(x, ROW);
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "engine", "onnxruntime"})
  void writesTheOutput(String runner) throws IOException {
    Path y = folder.resolve("y.npy");
    Run run = Run.octet("run", model("Neg"), "--input", x, "--output", y, "--runner", runner);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out()).isEqualTo("y: float32 [1, 3] in " + y + "\n");
    assertThat(NpyFile.read(y).floats()).containsExactly(-1, 2, -4);
  }

  @Test
  void showsWhatComesOut() throws IOException {
    Run run = Run.octet("run", model("Neg"), "--input", "x=" + x);

    assertThat(run.out().lines())
        .map(line -> List.of(line.split(" {2,}", -1)))
        .containsExactly(
            List.of("output", "type", "shape", "min", "mean", "max"),
            List.of("y", "float32", "[1, 3]", "-4.00000", "-1.00000", "2.00000"));
  }

  @Test
  void takesInputsByNameAndWritesInnerTensors() throws IOException {
    Graph graph = new Graph("sums");
    Value a = input(graph, "a");
    Value b = input(graph, "b=c");
    Value sum = graph.addValue("sum", null);
    Value y = graph.addValue("y", type());
    graph.add(NodeSpec.of("Add").reads(a, b).makes(sum));
    graph.add(NodeSpec.of("Neg").reads(sum).makes(y));
    graph.addOutput(y);
    Path model = write(graph);
    Path inner = folder.resolve("sum.npy");
    Path outer = folder.resolve("y.npy");
    Run run =
        Run.octet(
            "run", model, "-i", "b=c=" + x, "-i", "a=" + x, "-o", "sum=" + inner, "-o", outer);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(NpyFile.read(inner).floats()).containsExactly(2, -4, 8);
    assertThat(NpyFile.read(outer).floats()).containsExactly(-2, 4, -8);

    Run unnamed = Run.octet("run", model, "-i", x);
    assertThat(unnamed.code()).isEqualTo(ExitCode.USAGE);
    assertThat(unnamed.err()).contains("names none of [a, b=c]; write NAME=");
  }

  @Test
  void refusesNamesThatTheModelLacks() throws IOException {
    Run input = Run.octet("run", model("Neg"), "--input", "z=" + x);
    Run output = Run.octet("run", model("Neg"), "--input", x, "--output", "z=y.npy");

    assertThat(input.code()).isEqualTo(ExitCode.USAGE);
    assertThat(input.err()).isEqualTo("octet: --input: the model has no input 'z'; it has [x]\n");
    assertThat(output.code()).isEqualTo(ExitCode.USAGE);
    assertThat(output.err())
        .isEqualTo("octet: --output: the model has no output 'z'; it has [y]\n");
  }

  @Test
  void refusesInputsThatDoNotFit() throws IOException {
    NpyFile.write(x, HostTensor.ofDoubles(new int[] {1, 3}, new double[3]));
    Run type = Run.octet("run", model("Neg"), "--input", x);
    NpyFile.write(x, HostTensor.ofFloats(new int[] {1, 4}, new float[4]));
    Run shape = Run.octet("run", model("Neg"), "--input", x);
    Run missing = Run.octet("run", model("Neg"));

    assertThat(List.of(type.code(), shape.code(), missing.code())).containsOnly(ExitCode.BAD_DATA);
    assertThat(type.err()).contains("'x' wants float[n, 3], but float64 [1, 3] is given");
    assertThat(shape.err()).contains("'x' wants float[n, 3], but float32 [1, 4] is given");
    assertThat(missing.err()).contains("no tensor is given for model input 'x'");
  }

  @Test
  void refusesFilesThatAreNotThereOrNoArrays() throws IOException {
    Path text = folder.resolve("text.npy");
    Files.writeString(text, "no array");
    Run none = Run.octet("run", model("Neg"), "--input", folder.resolve("none.npy"));
    Run other = Run.octet("run", model("Neg"), "--input", text);

    assertThat(none.code()).isEqualTo(ExitCode.BAD_DATA);
    assertThat(none.err()).contains("none.npy' cannot be read: there is no such file");
    assertThat(other.code()).isEqualTo(ExitCode.BAD_DATA);
    assertThat(other.err()).contains("'text.npy' does not begin as a .npy file does");
  }

  @Test
  void replacesNothingUnlessForced() throws IOException {
    Path y = folder.resolve("y.npy");
    Files.writeString(y, "mine");
    Run run = Run.octet("run", model("Neg"), "--input", x, "--output", y);

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(y).hasContent("mine");
    Run forced = Run.octet("run", model("Neg"), "--input", x, "--output", y, "--force");
    assertThat(forced.code()).isEqualTo(ExitCode.OK);
    assertThat(NpyFile.read(y).elementCount()).isEqualTo(3);
  }

  @Test
  void theEngineNamesWhatItCannotRunAndWhatCan() throws IOException {
    Run refused = Run.octet("run", model("Unique"), "--input", x, "--runner", "engine");
    Run auto = Run.octet("run", model("Unique"), "--input", x);

    assertThat(refused.code()).isEqualTo(ExitCode.RUNTIME_REFUSED);
    assertThat(refused.err())
        .startsWith("octet: node 'the node' (Unique) cannot run on the engine: ")
        .endsWith("; ONNX Runtime can be used instead: --runner auto\n");
    assertThat(auto.code()).as(auto.err()).isEqualTo(ExitCode.OK);
  }

  @Test
  void refusesARunnerThatIsNone() throws IOException {
    Run run = Run.octet("run", model("Neg"), "--input", x, "--runner", "abacus");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("'abacus' is none of auto, engine, onnxruntime");
  }

  private Path model(String operator) throws IOException {
    Graph graph = new Graph("one node");
    Value y = graph.addValue("y", operator.equals("Unique") ? null : type());
    graph.add(NodeSpec.of(operator).named("the node").reads(input(graph, "x")).makes(y));
    if (y.type() == null) {
      graph.setType(y, new TensorType(DataType.FLOAT, List.of(new Dimension.Symbolic("k"))));
    }
    graph.addOutput(y);
    return write(graph);
  }

  private static Value input(Graph graph, String name) {
    Value input = graph.addValue(name, type());
    graph.addInput(input);
    return input;
  }

  private static TensorType type() {
    return new TensorType(
        DataType.FLOAT, List.of(new Dimension.Symbolic("n"), new Dimension.Fixed(3)));
  }

  private Path write(Graph graph) throws IOException {
    Path file = folder.resolve("model.onnx");
    Files.write(
        file, OnnxWriter.toBytes(new Model(8, Map.of("", 17L), Map.of(), graph, Bytes.EMPTY)));
    return file;
  }
}
