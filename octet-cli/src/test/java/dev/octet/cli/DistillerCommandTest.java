package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.octet.graph.DataType;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.workflows.distiller.stats.ModelStats;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DistillerCommandTest extends ClassifierWorkplace {
  private Run distiller(Object... more) {
    return run("distiller", more);
  }

  /** On a few images to judge by. */
  private Run small(Path output, Object... more) {
    return run(
        "distiller",
        List.of("-o", output, "--qe-calibration", 0.2, "--evaluate-samples", 16),
        more);
  }

  private static List<DataType> codes(Path model) {
    return OnnxReader.read(model).graph().nodes().stream()
        .filter(node -> node.is("DequantizeLinear") && node.input(0).constant() != null)
        .map(node -> node.input(0).constant().type())
        .distinct()
        .toList();
  }

  @Test
  void writesIntegersAndKeepsStatistics() throws IOException {
    Path output = own.resolve("small.onnx");
    Path stats = own.resolve("stats.yaml");

    Run run =
        distiller(
            "-o",
            output,
            "--qe-mode=asym_u",
            "--qe-mode-wts=sym_restr",
            "--qe-per-channel",
            "--qe-calibration=0.5",
            "--save-stats",
            stats);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out())
        .containsPattern("float +[0-9.]+ % +[0-9.]+\n")
        .containsPattern("simulated +[0-9.]+ % +[0-9.]+\n")
        .containsPattern("written, as integers +[0-9.]+ %\n")
        .contains("agreement with the float model: ", "model: " + output);
    assertThat(run.err())
        .contains("collecting statistics, in two passes (96 samples) ...")
        .contains("judging the quantized model (48 samples) ...");
    assertThat(Files.size(output)).isLessThan(Files.size(work.model) / 2);
    assertThat(codes(output)).contains(DataType.INT8);
    assertThat(ModelStats.read(stats).layers()).hasSizeGreaterThan(5);

    Path again = own.resolve("again.onnx");
    Run read =
        distiller(
            "-o",
            again,
            "--qem=asym_u",
            "--qemw=sym_restr",
            "--qepc",
            "--qe-stats-file",
            stats,
            "--json",
            "-q");
    assertThat(read.code()).as(read.err()).isEqualTo(ExitCode.OK);
    assertThat(again).hasSameBinaryContentAs(output);
    JsonNode json = new ObjectMapper().readTree(read.out());
    assertThat(json.fieldNames())
        .toIterable()
        .containsExactly(
            "schemaVersion",
            "model",
            "float",
            "simulated",
            "search",
            "written",
            "floatBytes",
            "bytes",
            "notes");
    assertThat(json.get("written").get("samples").asInt()).isEqualTo(48);
    assertThat(json.get("written").get("agreement").asDouble()).isGreaterThan(0.9);
    assertThat(json.get("bytes").asLong()).isEqualTo(Files.size(again));
  }

  @Test
  void layersAreLeftOutByName() {
    Path output = own.resolve("small.onnx");

    Run run =
        small(output, "--qe-no-quant-layers=.*", "--qe-clip-acts=avg", "--qe-no-clip-layers=fc,x");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(codes(output)).isEmpty();
    assertThat(run.err()).contains("octet: warning: ", "'x'");
  }

  @Test
  void searchesScalesByTheLoss() {
    Path output = own.resolve("small.onnx");

    Run run =
        small(
            output,
            "--qe-bits-acts=4",
            "--qe-bits-wts=4",
            "--qe-lapq",
            "--lapq-init-mode=l2",
            "--lapq-init-method=coordinate",
            "--lapq-method=nelder-mead",
            "--lapq-maxiter=1",
            "--lapq-maxfev=12",
            "--lapq-basinhopping",
            "--lapq-basinhopping-niter=1",
            "--lapq-eval-size=0.2");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out())
        .containsPattern("search: loss [0-9.]+, [0-9.]+ where it started, [0-9.]+ at its best of");
    assertThat(output).exists();
  }

  @Test
  void aFileHasTheSettings() throws IOException {
    Path config =
        Files.writeString(
            own.resolve("ptq.yaml"),
            """
            version: 1
            quantizers:
              post_train_quantizer:
                class: PostTrainLinearQuantizer
                bits_activations: 8
                bits_parameters: 8
                mode: ASYMMETRIC_UNSIGNED
                per_channel_wts: True
                overrides:
                  .*nothing.*:
                    clip_acts: NONE
            """);
    Path output = own.resolve("small.onnx");

    Run run = small(output, "--qe-config-file", config);
    Run both = small(own.resolve("x"), "--qe-config-file", config, "--qebw", 4);
    Files.writeString(config, "quantizers: {q: {class: PostTrainLinearQuantizer, bits: 4}}");
    Run unknown = small(own.resolve("x"), "--qe-config-file", config);
    Files.writeString(config, "quantizers: {q: {class: Other}}");
    Run none = small(own.resolve("x"), "--qe-config-file", config);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(codes(output)).contains(DataType.UINT8);
    assertThat(both.code()).isEqualTo(ExitCode.USAGE);
    assertThat(both.err())
        .contains("--qe-bits-wts is a setting, and --qe-config-file has them all");
    assertThat(unknown.code()).as(unknown.err()).isEqualTo(ExitCode.USAGE);
    assertThat(unknown.err()).contains("has no [bits]; it has [bits_activations, bits_parameters");
    assertThat(none.code()).as(none.err()).isEqualTo(ExitCode.USAGE);
    assertThat(none.err()).contains("defines no PostTrainLinearQuantizer");
  }

  @Test
  void withoutStatisticsItIsSimulatedAlone() {
    Run run = distiller("--qe-dynamic", "--evaluate-samples", 16);
    Run output = distiller("--qe-dynamic", "-o", own.resolve("x"));

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out()).contains("simulated").doesNotContain("written", "model: ");
    assertThat(output.code()).isEqualTo(ExitCode.USAGE);
    assertThat(output.err()).contains("--output needs statistics, and --qe-dynamic does without");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --qe-calibration=0        | --qe-calibration is 0.0; choose more than 0 and at most 1
          --qe-bits-acts=17         | bits_activations is 17; choose 2 to 16
          --qe-bits-wts=1           | bits_parameters is 1; choose 2 to 16
          --qe-bits-accum=33        | bits_accum is 33; choose 2 to 32
          --qe-scale-approx-bits=0  | scale_approx_mult_bits is 0; choose 1 to 31
          --qe-clip-acts=n_std      | clip_acts N_STD needs clip_n_stds above 0, not null
          --qe-mode=half            | 'half' is none of sym, sym-restr, asym-s, asym-u
          --qe-stats-file=nix.yaml  | nix.yaml: there is no such file
          --save-stats=nix/s.yaml   | folder
          --lapq-maxiter=3          | --lapq-maxiter is about a search for scales; add --qe-lapq
          """)
  void refusesWhatMakesNoSense(String option, String message) {
    Path output = own.resolve("small.onnx");

    assertRefused(distiller("-o", output, option), message, "collecting", output);
  }

  @Test
  void refusesOptionsThatContradictEachOther() {
    Run sources = distiller("--qe-dynamic", "--qe-stats-file", "s.yaml");
    Run search = distiller("-o", own.resolve("x"), "--qe-lapq", "--lapq-maxfev=0");
    Run zero = distiller("-o", own.resolve("x"), "--qe-lapq", "--qe-mode=asym_u");

    Run clip = distiller("-o", own.resolve("x"), "--qe-lapq", "--qeca=avg");

    assertThat(clip.err()).contains("--qe-lapq starts from what --lapq-init-mode says");
    assertThat(sources.err()).contains("of --qe-dynamic, --qe-stats-file each says where");
    assertThat(search.err()).contains("--lapq-maxfev is 0; choose 1 or more");
    assertThat(zero.code()).as(zero.err()).isEqualTo(ExitCode.USAGE);
    assertThat(zero.err()).contains("searchClipping");
    assertThat(Stream.of(sources, search, clip).map(Run::code)).containsOnly(ExitCode.USAGE);
  }
}
