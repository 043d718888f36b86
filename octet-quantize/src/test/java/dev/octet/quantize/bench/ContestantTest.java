package dev.octet.quantize.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.NpyFile;
import dev.octet.quantize.fixture.Net;
import dev.octet.quantize.run.Runner;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ContestantTest {
  @TempDir private Path folder;

  private Path model;
  private Path array;

  @BeforeEach
  void writeFiles() throws IOException {
    Net net = Net.create();
    Value x = net.input("a=b", -1, 8);
    Model made = net.returns(2, net.gemm("y", x, 8, 4)).model();
    model = folder.resolve("model.onnx");
    Files.write(model, OnnxWriter.toBytes(made));
    array = folder.resolve("x.npy");
    NpyFile.write(array, HostTensor.ofFloats(new int[] {2, 8}, new float[16]));
  }

  @ParameterizedTest
  @EnumSource(
      value = Runner.class,
      names = {"ENGINE", "ONNXRUNTIME"})
  void answersEachCommandWithALine(Runner runner) throws IOException {
    String prefix = folder.resolve("made with a space").toString();
    List<String> answers =
        serve("warm 3\nrun 4\nruntime\npeak\noutputs " + prefix + "\nquit\nrun 1\n", runner, array);

    assertThat(answers.get(5)).isEqualTo("octet-bench 1");
    assertThat(NpyFile.read(Path.of(prefix + "0.npy")).shape()).containsExactly(2, 4);
    assertThat(answers).hasSize(6).allMatch(line -> line.startsWith("octet-bench "));
    assertThat(answers.get(0)).matches("octet-bench \\d+");
    assertThat(answers.get(1)).matches("octet-bench \\d+");
    assertThat(answers.get(2)).matches("octet-bench \\d+ \\d+ \\d+ \\d+");
    assertThat(answers.get(3)).contains(runner == Runner.ENGINE ? "oneDNN" : "ONNX Runtime");
    assertThat(answers.get(4)).matches("octet-bench -?\\d+");
  }

  @Test
  void endsWithTheInput() throws IOException {
    assertThat(serve("run 1\n", Runner.ENGINE, array)).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource(
      value = Runner.class,
      names = {"ENGINE", "ONNXRUNTIME"})
  void saysInOneLineWhatItRefuses(Runner runner) throws IOException {
    Files.write(model, new byte[] {1, 2, 3});

    assertThat(serve("run 1\n", runner, array))
        .singleElement()
        .asString()
        .startsWith("octet-bench refused ");
  }

  private List<String> serve(String commands, Runner runner, Path input) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Contestant.serve(
        new String[] {runner.name(), model.toString(), "1", "a=b=" + input},
        new ByteArrayInputStream(commands.getBytes(StandardCharsets.UTF_8)),
        new PrintStream(out, true, StandardCharsets.UTF_8));
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
