package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.octet.quantize.report.QuantizationReport;
import dev.octet.quantize.report.RunInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that read models and change none. */
class OtherCommandsTest {
  @TempDir private static Path folder;

  private static Workplace work;
  private static Path quantized;

  @BeforeAll
  static void quantize() throws IOException {
    work = new Workplace(folder);
    quantized = work.file("small.onnx");
    assertThat(work.quantize("-o", quantized, "--no-report").code()).isEqualTo(ExitCode.OK);
  }

  @Test
  void evaluateMeasuresAccuracyOnLabels() {
    Run run = work.run(List.of("evaluate", quantized, "--data", work.images));

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out())
        .startsWith("small.onnx on 48 samples of 48 images of 'test'")
        .contains("top1")
        .doesNotContain("agreement");
  }

  @Test
  void evaluatePrintsJsonAlone() throws IOException {
    Run run =
        work.run(
            List.of("evaluate", quantized, "--data", work.images, "--json", "-q"),
            "--reference",
            work.model);

    JsonNode json = new ObjectMapper().readTree(run.out());
    assertThat(json.get("samples").asInt()).isEqualTo(48);
    assertThat(json.get("scores").findValuesAsText("metric"))
        .containsExactly("top1", "top5", "agreement", "sqnr", "cosine", "max-error");
    assertThat(run.err()).isEmpty();
  }

  @Test
  void evaluateFindsTheSameWhateverRunsTheModel() throws IOException {
    // One of the 48 images may lie between two classes.
    assertThat(top1("auto")).isCloseTo(top1("onnxruntime"), within(1.5 / 48));
  }

  private static double top1(String runner) throws IOException {
    Run run =
        work.run(
            List.of("evaluate", quantized, "--data", work.images, "--json", "-q"),
            "--runner",
            runner);
    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    return new ObjectMapper().readTree(run.out()).at("/scores/0/value").asDouble();
  }

  @Test
  void evaluateEndsWithOneBelowItsFloor() {
    Run run =
        work.run(
            List.of("evaluate", quantized, "--data", work.images, "-q", "--min-top1", "100.5"));

    assertThat(run.code()).isEqualTo(ExitCode.BELOW_TARGET);
    assertThat(run.err()).matches("octet: top1 is [0-9.]+ %, below --min-top1 100.5\\R");
  }

  @Test
  void evaluateWantsSamples() {
    Run run = Run.octet("evaluate", quantized);

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).isEqualTo("octet: no samples are given; add --data PATH\n");
  }

  @Test
  void compareNamesTheLayersToBlameAndWritesAPage() throws IOException {
    Path page = work.file("compare.html");

    Run run =
        work.run(
            List.of("compare", work.model, quantized, "--data", work.images, "--report", page));

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out()).contains("layer by layer", "block2.depthwise.conv/Conv", "most to blame");
    assertThat(Files.readString(page)).startsWith("<!");
    Files.delete(page);
  }

  @Test
  void comparePrintsAComparisonAsJson() {
    Run run =
        work.run(List.of("compare", work.model, quantized, "--data", work.images, "--json", "-q"));

    QuantizationReport report = QuantizationReport.fromJson(run.out());
    assertThat(report.run().kind()).isEqualTo(RunInfo.Kind.COMPARISON);
    assertThat(report.layers()).isNotEmpty().allMatch(layer -> layer.outputSqnrDb() != null);
    assertThat(report.layers()).allMatch(layer -> layer.quantized());
  }

  @Test
  void compareFindsNoDifferenceBetweenAModelAndItself() {
    Run run =
        work.run(List.of("compare", work.model, work.model, "--data", work.images, "--json", "-q"));

    assertThat(QuantizationReport.fromJson(run.out()).outputs())
        .allMatch(output -> output.sqnrDb() == Double.POSITIVE_INFINITY);
  }

  @Test
  void inspectShowsThePlanForAFloatModel() {
    Run run = Run.octet("inspect", work.model, "--float", "head.*");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out())
        .contains("a float model; recipe 'int8' would quantize")
        .contains("image float[n, 3, 32, 32]")
        .containsPattern(
            "the recipe's rule 'head\\.\\*' keeps it in float:\n    head\\.conv/Conv +Conv");
  }

  @Test
  void inspectListsTheScalesOfAQuantizedModel() throws IOException {
    Run text = Run.octet("inspect", quantized);
    Run json = Run.octet("inspect", quantized, "--json");

    assertThat(text.out()).containsPattern("quantized: (\\d+) of \\1 layers");
    JsonNode tensors = new ObjectMapper().readTree(json.out()).get("tensors");
    assertThat(tensors.findValuesAsText("scales")).allMatch(scales -> scales.contains("scale"));
  }

  @Test
  void inspectRefusesWhatIsNoModel() throws IOException {
    Path text = work.file("text.onnx");
    Files.writeString(text, "no model");

    Run run = Run.octet("inspect", text);

    assertThat(run.code()).isEqualTo(ExitCode.BAD_MODEL);
    assertThat(run.err()).startsWith("octet: " + text + ": ");
  }

  @Test
  void recipesListsEveryPresetOnALine() {
    Run run = Run.octet("recipes");

    assertThat(run.out().lines()).hasSize(dev.octet.core.recipe.Recipe.presets().size());
    assertThat(run.out()).startsWith("int8 ");
  }

  @Test
  void recipesRefusesANameThatIsNone() {
    Run run = Run.octet("recipes", "int9");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err())
        .isEqualTo("octet: there is no recipe 'int9'; 'octet recipes' lists those there are\n");
  }

  @Test
  void completionPrintsAScriptThatKnowsTheCommands() {
    assertThat(Run.octet("completion").out()).contains("complete -F", "quantize", "--recipe");
  }
}
