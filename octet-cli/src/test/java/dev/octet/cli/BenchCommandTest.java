package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.octet.quantize.demo.DemoModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The figures themselves are left alone: they are the machine's. */
class BenchCommandTest {
  @TempDir private Path folder;

  private Path model;

  @BeforeEach
  void writeModel() throws IOException {
    model = folder.resolve("demo.onnx");
    Files.write(model, DemoModel.onnx());
  }

  @Test
  void timesBothSidesInEverySetting() throws IOException {
    Path json = folder.resolve("bench.json");
    Path html = folder.resolve("bench.html");
    Run run =
        Run.octet(
            "bench",
            model,
            "--batch",
            "1,2",
            "--runs",
            4,
            "--rounds",
            2,
            "--json",
            json,
            "--html",
            html);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out()).startsWith("model").contains("medians of 4 runs in 2 turns");
    assertThat(run.err()).contains("demo.onnx, batch 1, threads 1: ");
    JsonNode root = new ObjectMapper().readTree(json.toFile());
    assertThat(root.get("schemaVersion").asInt()).isEqualTo(1);
    assertThat(root.at("/machine/onnxRuntime").asText()).startsWith("ONNX Runtime 1.");
    assertThat(root.get("rows")).hasSize(2);
    JsonNode second = root.at("/rows/1");
    assertThat(second.get("inputs").get(0).asText()).isEqualTo("image float32 [2, 3, 32, 32]");
    assertThat(second.at("/onnxRuntime/timing/runs").asInt()).isEqualTo(4);
    assertThat(second.at("/onnxRuntime/timing/medianMs").asDouble()).isPositive();
    assertThat(second.at("/outputs/sqnrDb").asDouble()).isGreaterThan(80);
    assertThat(second.at("/outputs/sameClass").asDouble()).isEqualTo(1);
    assertThat(run.out()).contains("outputs apart", "class 100 %");
    assertThat(second.get("engine").size()).isEqualTo(1); // timed, or one reason why not
    assertThat(Files.readString(html)).startsWith("<!DOCTYPE html>").contains("demo.onnx");
  }

  @Test
  void aModelThatNeitherSideRunsIsARow() throws IOException {
    Run run = Run.octet("bench", model, "--shape", "image=nx4x32x32");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out())
        .contains("refused")
        .containsOnlyOnce(
            "demo.onnx, engine: model input 'image' is declared with the sizes [n, 3, 32, 32]");
  }

  @Test
  void refusesShapesThatAreNoneOrOfNoInput() {
    Run text = Run.octet("bench", model, "--shape", "image=big");
    Run name = Run.octet("bench", model, "--shape", "picture=1x3x32x32");

    assertThat(text.code()).isEqualTo(ExitCode.USAGE);
    assertThat(text.err())
        .isEqualTo("octet: --shape is image=big; write NAME=SHAPE, such as image=1x3x224x224\n");
    assertThat(name.code()).isEqualTo(ExitCode.USAGE);
    assertThat(name.err())
        .isEqualTo("octet: --shape: there is no input 'picture'; there are [image]\n");
  }

  @Test
  void refusesCountsThatMakeNoSense() {
    Run runs = Run.octet("bench", model, "--runs", 3);
    Run batch = Run.octet("bench", model, "--batch", "1,0");

    Run limit = Run.octet("bench", model, "--timeout", 0);

    assertThat(limit.err()).contains("--timeout is 0; choose 1 or more");
    assertThat(runs.code()).isEqualTo(ExitCode.USAGE);
    assertThat(runs.err()).contains("--runs is 3; choose 5 or more, as --rounds says");
    assertThat(batch.code()).isEqualTo(ExitCode.USAGE);
    assertThat(batch.err()).contains("--batch is 0; choose 1 or more");
  }

  @Test
  void inspectShowsThePlanAndWritesItsGraph() throws IOException {
    Path quantized = folder.resolve("demo.int8.onnx");
    new Workplace(folder).quantize("-o", quantized, "--no-report");
    Path dot = folder.resolve("plan.dot");
    Run run =
        Run.octet(
            "inspect", quantized, "--plan", "--plan-graph", dot, "--shape", "image=2x3x32x32");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out()).contains("[2, 3, 32, 32]", "convolution");
    String graph = Files.readString(dot);
    assertThat(graph)
        .startsWith("digraph plan {")
        .endsWith("}\n")
        .contains("-> output0", "input0 ->");
    assertThat(graph.chars().filter(c -> c == '"').count() % 2).isZero();
  }

  @Test
  void aPlanHasNoJsonForm() {
    Run run = Run.octet("inspect", model, "--plan", "--json");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("a plan has no JSON form; drop --json");
  }
}
