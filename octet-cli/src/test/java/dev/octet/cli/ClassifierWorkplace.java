package dev.octet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** A workplace, one for a class, for tests of commands that quantize a classifier with samples. */
abstract class ClassifierWorkplace {
  @TempDir private static Path folder;

  static Workplace work;

  @TempDir Path own;

  @BeforeAll
  static void prepare() throws IOException {
    work = new Workplace(folder);
  }

  /** Runs a command on the model and the images. */
  static Run run(String command, Object... more) {
    return work.run(List.of(command, work.model, "--data", work.images), more);
  }

  /** Runs it with some words before others. */
  static Run run(String command, List<Object> words, Object... more) {
    return run(command, Stream.concat(words.stream(), Stream.of(more)).toArray());
  }

  /** The user was told what is wrong, before any work, and nothing was written. */
  static void assertRefused(Run run, String message, String firstWork, Path output) {
    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains(message).doesNotContain(firstWork, "\tat ");
    assertThat(output).doesNotExist();
  }
}
