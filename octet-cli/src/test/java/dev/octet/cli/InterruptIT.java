package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Ctrl-C in the midst of work, in a process of its own. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "sends an interrupt with kill")
class InterruptIT {
  @TempDir private Path folder;

  @Test
  void leavesNoFileBehindAndEndsWith130() throws Exception {
    Workplace work = new Workplace(folder);
    List<String> lines = interrupted(work, "calibrating (", "quantize");

    assertThat(lines).contains("octet: interrupted; the model was not written");
    assertThat(work.results()).allMatch(name -> name.equals("small.onnx.calibration"));
  }

  /** LibTorch must not compute any more when the JVM ends. */
  @Test
  void endsTrainingAfterItsStepAndSaysHowToCarryOn() throws Exception {
    Workplace work = new Workplace(folder);
    Path checkpoint = folder.resolve("run.safetensors");
    List<String> lines =
        interrupted(
            work, "training, epoch 1", "train-qat", "--epochs=100", "--checkpoint=" + checkpoint);

    assertThat(lines)
        .contains(
            "octet: interrupted; waiting for the end of this step",
            "octet: the model was not written; to carry on after the epochs in '"
                + checkpoint
                + "', repeat the command");
    assertThat(work.results()).containsExactly("run.safetensors");
  }

  /** What a command, interrupted at a line, says. */
  private static List<String> interrupted(Workplace work, String at, String... command)
      throws Exception {
    Process process = start(work, command);
    List<String> lines = new ArrayList<>();
    try (BufferedReader err = process.errorReader()) {
      for (String line = err.readLine(); line != null; line = err.readLine()) {
        lines.add(line);
        if (line.startsWith(at)) {
          new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
        }
      }
    }
    int code = process.waitFor();
    assumeTrue(code != ExitCode.OK, "the work was done before the interrupt came");
    assertThat(code).as(String.join("\n", lines)).isEqualTo(ExitCode.INTERRUPTED);
    return lines;
  }

  private static Process start(Workplace work, String... words) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Octet.class.getName()));
    command.addAll(List.of(words));
    command.addAll(List.of(work.model.toString(), "--data", work.images.toString()));
    command.addAll(List.of("-o", work.file("small.onnx").toString()));
    return new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
  }
}
