package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A calibration that ends early, here by an image that cannot be read, is carried on. */
class ResumeTest {
  @TempDir private Path folder;

  private Workplace work;
  private Path whole;
  private Path output;
  private Path state;

  @BeforeEach
  void calibrateOnceWithoutABreak() throws IOException {
    work = new Workplace(folder);
    whole = work.file("whole.onnx");
    output = work.file("small.onnx");
    state = work.file("small.onnx.calibration");
    assertThat(work.quantize("-o", whole, "--no-report").code()).isEqualTo(ExitCode.OK);
  }

  @Test
  void carriesOnToTheSameModelBitForBit() throws IOException {
    Path broken = lateImage();
    byte[] sound = Files.readAllBytes(broken);
    Files.writeString(broken, "no image");

    Run stopped = work.quantize("-o", output, "--max-skipped", 0);

    assertThat(stopped.code()).isEqualTo(ExitCode.BAD_DATA);
    assertThat(stopped.err())
        .contains(
            "octet: the calibration so far is kept; to carry on, repeat the command with --resume "
                + state);
    assertThat(output).doesNotExist();
    assertThat(state).exists();

    Files.write(broken, sound);
    Run resumed = work.quantize("-o", output, "--resume", state);

    assertThat(resumed.code()).as(resumed.err()).isEqualTo(ExitCode.OK);
    assertThat(resumed.err()).contains("carrying on the calibration kept in '" + state + "'");
    assertThat(output).hasSameBinaryContentAs(whole);
    assertThat(state).doesNotExist();
  }

  @Test
  void refusesTheStateOfAnotherRecipe() throws IOException {
    Files.writeString(lateImage(), "no image");
    work.quantize("-o", output, "--max-skipped", 0);

    Run run = work.quantize("-o", output, "--resume", state, "--recipe", "int8-minmax");

    assertThat(run.code()).isEqualTo(ExitCode.BAD_DATA);
    assertThat(run.err())
        .contains(
            "calibration state '%s' was made with another model, recipe or data".formatted(state));
  }

  @Test
  void startsAnewWithoutBeingAskedToResume() throws IOException {
    Files.writeString(state, "left behind by something else");

    Run run = work.quantize("-o", output);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(output).hasSameBinaryContentAs(whole);
  }

  @Test
  void quantizesAgainFromSavedRanges() {
    Path ranges = work.file("ranges.bin");
    work.quantize("-o", output, "--save-ranges", ranges);

    Path again = work.file("again.onnx");
    Run run = Run.octet("quantize", work.model, "-o", again, "--ranges", ranges);

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.OK);
    assertThat(run.err()).doesNotContain("calibrating");
    assertThat(again).hasSameBinaryContentAs(whole);
  }

  @Test
  void refusesRangesThatAreNone() {
    Run run =
        Run.octet("quantize", work.model, "-o", output, "--ranges", work.images.resolve("nix"));

    assertThat(run.code()).isEqualTo(ExitCode.BAD_DATA);
    assertThat(run.err()).contains("ranges cannot be read from");
    assertThat(output).doesNotExist();
  }

  /** An image that calibration comes to after it has saved its state. */
  private Path lateImage() throws IOException {
    try (Stream<Path> walk = Files.walk(work.images.resolve("train"))) {
      List<Path> files = walk.filter(Files::isRegularFile).sorted().toList();
      return files.get(files.size() - 2);
    }
  }
}
