package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OctetTest {
  @Test
  void asksForACommand() {
    Run run = Run.octet();

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err())
        .isEqualTo("octet: no command is given; try 'octet demo'\nTry 'octet --help'.\n");
  }

  @Test
  void suggestsTheCommandThatWasMeant() {
    Run run = Run.octet("quantise");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("'quantise'", "Did you mean", "quantize");
  }

  @Test
  void suggestsTheOptionThatWasMeant() {
    Run run = Run.octet("quantize", "model.onnx", "--recpie", "int8");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("'--recpie'", "--recipe");
  }

  @Test
  void namesTheChoicesOfAnOption() {
    Run run = Run.octet("quantize", "model.onnx", "--mode", "sometimes");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err())
        .isEqualTo(
            "octet: invalid value for option '--mode': 'sometimes' is none of static, dynamic,"
                + " weight-only, float16\nTry 'octet quantize --help'.\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "quantize",
        "evaluate",
        "compare",
        "run",
        "bench",
        "inspect",
        "train-qat",
        "demo",
        "recipes",
        "completion"
      })
  void everyCommandExplainsItself(String command) {
    Run run = Run.octet(command, "--help");

    assertThat(run.code()).isEqualTo(ExitCode.OK);
    assertThat(run.out()).contains("Usage: octet " + command, "--verbose", "--quiet");
  }

  @Test
  void theRootTellsOfEveryCommandAndExitCode() {
    assertThat(Run.octet("--help").out())
        .contains("quantize", "evaluate", "compare", "run", "bench", "inspect", "train-qat", "demo")
        .contains("recipes")
        .contains("completion")
        .contains("Exit codes:", "130", "interrupted by Ctrl-C");
  }

  @Test
  void theDocumentationListsTheSameExitCodes() throws IOException {
    String page = Files.readString(Path.of("..", "docs", "cli.md"));
    Matcher code = Pattern.compile("(?m)^ +(\\d+) {2}").matcher(Run.octet("--help").out());
    int codes = 0;
    for (; code.find(); codes++) {
      assertThat(page).contains("\n| " + code.group(1) + " | ");
    }
    assertThat(codes).isEqualTo(11);
  }

  @Test
  void showsItsVersion() {
    assertThat(Run.octet("--version").out()).startsWith("octet ").contains("Java ");
  }

  @Test
  void theDemoQuantizesComparesAndReports(@TempDir Path folder) throws IOException {
    Path out = folder.resolve("demo");

    Run run = Run.octet("demo", "--out", out, "--quiet");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.out()).contains("$ octet quantize", "$ octet compare", "w4a8", "float32");
    assertThat(out.resolve("demo.int8.onnx")).exists();
    assertThat(Files.readString(out.resolve("demo.w4a8.report.html"))).startsWith("<!");
    assertThat(out.resolve("compare.html")).exists();
    assertThat(run.err()).isEmpty();
  }

  @Test
  void theDemoLeavesFoldersOfOthersAlone(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("thesis.txt"), "mine");

    Run run = Run.octet("demo", "--out", folder);

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err())
        .isEqualTo(
            "octet: '%s' holds something else than an earlier demo; choose another --out%n"
                .formatted(folder));
  }
}
