package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.quantize.report.QuantizationReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizeCommandTest {
  @TempDir private Path folder;

  private Workplace work;
  private Path output;

  @BeforeEach
  void prepare() throws IOException {
    work = new Workplace(folder);
    output = work.file("small.onnx");
  }

  @Test
  void writesTheModelAndItsReportsAndPrintsASummary() throws IOException {
    Run run = work.quantize("-o", output);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(work.results())
        .containsExactly("small.onnx", "small.report.html", "small.report.json");
    assertThat(Files.size(output)).isLessThan(Files.size(work.model) / 2);
    assertThat(run.out())
        .startsWith("demo.onnx -> small.onnx\n")
        .contains("agreement", "report: " + work.file("small.report.html"), "model: " + output);
    assertThat(run.err()).contains("calibrating (96 samples) ...", "evaluating done in ");
  }

  @Test
  void printsNothingButTheReportWithJson() {
    Run run = work.quantize("-o", output, "--json", "--quiet");

    QuantizationReport report = QuantizationReport.fromJson(run.out());
    assertThat(report.run().outputFile()).isEqualTo("small.onnx");
    assertThat(report.data()).isNotNull();
    assertThat(report.data().sameSetForBoth()).isFalse();
    assertThat(run.err()).isEmpty();
  }

  @Test
  void writesTheReportsThatAreAskedForAndNoOther() throws IOException {
    work.quantize("-o", output, "--report", work.file("a.html"), "--report", work.file("b.json"));

    assertThat(work.results()).containsExactly("a.html", "b.json", "small.onnx");
  }

  @Test
  void neverReplacesAFileUnlessForced() throws IOException {
    Files.writeString(output, "mine");

    Run refused = work.quantize("-o", output);

    assertThat(refused.code()).isEqualTo(ExitCode.USAGE);
    assertThat(refused.err())
        .isEqualTo(
            "octet: '%s' exists; --force replaces it, -o writes elsewhere%n".formatted(output));
    assertThat(output).hasContent("mine");
    assertThat(work.quantize("-o", output, "--force").code()).isEqualTo(ExitCode.OK);
    assertThat(Files.size(output)).isGreaterThan(1000);
  }

  @Test
  void neverReplacesTheModelItself() throws IOException {
    byte[] before = Files.readAllBytes(work.model);

    Run run = work.quantize("-o", work.model, "--force");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("is the model itself; choose another output");
    assertThat(work.model).hasBinaryContent(before);
  }

  @Test
  void endsWithOneBelowAFloorAfterWritingEverything() throws IOException {
    Run run = work.quantize("-o", output, "--recipe", "w4a8", "--min-sqnr", 60, "-q");

    assertThat(run.code()).isEqualTo(ExitCode.BELOW_TARGET);
    assertThat(run.err())
        .matches("octet: output 'logits': SQNR is [0-9.]+ dB, below --min-sqnr 60.0\\R");
    assertThat(work.results()).contains("small.onnx", "small.report.html");
  }

  @Test
  void endsWithZeroAtOrAboveTheFloors() {
    Run run =
        work.quantize("-o", output, "--min-agreement", 50, "--min-sqnr", 10, "--max-loss", 20);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
  }

  @Test
  void wantsAnEvaluationForAFloor() {
    Run run = work.quantize("-o", output, "--min-agreement", 50, "--no-evaluation");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err())
        .isEqualTo(
            "octet: a floor needs an evaluation: give --data or --evaluation, and not"
                + " --no-evaluation\n");
  }

  @Test
  void saysThatStaticQuantizationNeedsSamples() {
    Run run = Run.octet("quantize", work.model, "-o", output);

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err())
        .isEqualTo(
            "octet: static quantization learns ranges from samples: give --data PATH, or choose a"
                + " recipe without, such as dynamic-int8 or weight-only-int8\n");
  }

  @Test
  void needsNoSamplesForWeightsAlone() {
    Run run = Run.octet("quantize", work.model, "-o", output, "--mode", "weight-only");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(output).exists();
  }

  @Test
  void leavesNothingBehindWhenThereIsNothingToQuantize() throws IOException {
    Run run = work.quantize("-o", output, "--float", ".*");

    assertThat(run.code()).isEqualTo(ExitCode.NOTHING_TO_QUANTIZE);
    assertThat(run.err()).contains("has nothing to quantize").doesNotContain("\tat ");
    assertThat(work.results()).isEmpty();
  }

  @Test
  void leavesNothingBehindWhenTheModelIsNone() throws IOException {
    Files.writeString(work.model, "no model");

    Run run = work.quantize("-o", output);

    assertThat(run.code()).isEqualTo(ExitCode.BAD_MODEL);
    assertThat(run.err()).startsWith("octet: " + work.model + ": ").doesNotContain("\tat ");
    assertThat(work.results()).isEmpty();
  }

  @Test
  void showsTheStackTraceOnlyWhenVerbose() throws IOException {
    Files.writeString(work.model, "no model");

    assertThat(work.quantize("-o", output, "--verbose").err()).contains("\tat dev.octet.");
  }

  @Test
  void saysThatTheModelIsMissing() {
    Run run = Run.octet("quantize", work.file("nix.onnx"), "--data", work.images, "-o", output);

    assertThat(run.code()).isEqualTo(ExitCode.BAD_MODEL);
    assertThat(run.err())
        .isEqualTo("octet: %s: there is no such file%n".formatted(work.file("nix.onnx")));
  }

  @Test
  void saysThatTheDataAreMissing() {
    Run run = Run.octet("quantize", work.model, "--data", work.file("nix"), "-o", output);

    assertThat(run.code()).isEqualTo(ExitCode.BAD_DATA);
    assertThat(run.err())
        .isEqualTo(
            "octet: '%s' does not exist; give a file or folder of samples%n"
                .formatted(work.file("nix")));
  }

  @Test
  void saysBeforeAnyWorkThatTheOutputsFolderIsMissing() {
    Run run = work.quantize("-o", work.file("nix").resolve("a.onnx"), "--no-report");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("folder '" + work.file("nix") + "' does not exist; create it");
    assertThat(run.err()).doesNotContain("calibrating");
  }

  @Test
  void skipsUnreadableSamplesAndTellsOfEachInTheReport() throws IOException {
    Path broken = breakImages(2).get(0);

    Run run = work.quantize("-o", output, "--json");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.err()).containsOnlyOnce(broken.getFileName().toString());
    assertThat(QuantizationReport.fromJson(run.out()).warnings())
        .filteredOn(warning -> warning.where().equals("data"))
        .hasSize(2);
  }

  @Test
  void endsWhenMoreSamplesAreUnreadableThanAllowed() throws IOException {
    breakImages(3);

    Run run = work.quantize("-o", output, "--max-skipped", 2);

    assertThat(run.code()).isEqualTo(ExitCode.BAD_DATA);
    assertThat(work.results()).isEmpty();
  }

  @Test
  void takesARecipeFromAFile() throws IOException {
    Path recipe = work.file("mine.yaml");
    Files.writeString(recipe, Run.octet("recipes", "w4a8-channel").out());

    Run run = work.quantize("-o", output, "-r", recipe, "--json", "-q");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(QuantizationReport.fromJson(run.out()).layers())
        .anyMatch(layer -> Integer.valueOf(4).equals(layer.weightBits()));
  }

  @Test
  void namesTheRecipesThereAre() {
    Run run = work.quantize("-o", output, "-r", "int9");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err())
        .startsWith("octet: --recipe is 'int9'; that is neither a file nor one of int8, ");
  }

  @Test
  void keepsInFloatWhatAPatternNames() {
    Run run = work.quantize("-o", output, "--float", "block1.*", "--json", "-q");

    assertThat(QuantizationReport.fromJson(run.out()).layers())
        .filteredOn(layer -> layer.node().startsWith("block1."))
        .isNotEmpty()
        .noneMatch(layer -> layer.quantized());
  }

  @Test
  void saysWhenOneSetServesBothPurposes() {
    Path train = work.images.resolve("train");

    Run run =
        work.run(List.of("quantize", work.model, "--data", train, "-o", output, "--json", "-q"));

    assertThat(QuantizationReport.fromJson(run.out()).data().sameSetForBoth()).isTrue();
  }

  @Test
  void takesCalibrationAndEvaluationFromDifferentPlaces() {
    Run run =
        work.run(
            List.of("quantize", work.model, "-o", output, "--json", "-q"),
            "--calibration",
            work.images.resolve("train"),
            "--evaluation",
            work.images.resolve("test"),
            "--samples",
            20);

    var data = QuantizationReport.fromJson(run.out()).data();
    assertThat(data.calibration().samples()).isEqualTo(20);
    assertThat(data.evaluation().samples()).isEqualTo(Workplace.EVALUATION_IMAGES);
    assertThat(data.sameSetForBoth()).isFalse();
  }

  /** Makes the first images of the training part unreadable. */
  private List<Path> breakImages(int count) throws IOException {
    try (Stream<Path> walk = Files.walk(work.images.resolve("train"))) {
      List<Path> files = walk.filter(Files::isRegularFile).sorted().limit(count).toList();
      for (Path file : files) {
        Files.writeString(file, "no image");
      }
      return files;
    }
  }

  @Test
  void tellsHowImagesArePreparedWhereThatIsAGuess() {
    Run guessed = Run.octet("quantize", work.model, "-d", work.images, "-o", work.file("a.onnx"));
    Run told = work.quantize("-o", work.file("b.onnx"));

    assertThat(guessed.err())
        .containsPattern(
            "images, by guess: imagenet: .* std .*; --mean, --std and so on change it");
    assertThat(told.err()).doesNotContain("guess");
  }
}
