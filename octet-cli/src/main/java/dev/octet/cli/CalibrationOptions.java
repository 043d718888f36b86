package dev.octet.cli;

import dev.octet.quantize.PostTraining;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What calibration keeps, and what it need not do again. */
final class CalibrationOptions {
  @Option(
      names = "--save-ranges",
      paramLabel = "FILE",
      description = "Keep what calibration learns, for --ranges.")
  private @Nullable Path saveRanges;

  @Option(
      names = "--ranges",
      paramLabel = "FILE",
      description = "Take ranges that --save-ranges kept instead of calibrating.")
  private @Nullable Path ranges;

  @Option(
      names = "--resume",
      paramLabel = "FILE",
      description =
          "Carry on an interrupted calibration from FILE where it exists, and keep its state there"
              + " (default: start anew, and keep it beside the output while calibrating).")
  private @Nullable Path resume;

  /** Whether calibration is left out. */
  boolean hasRanges() {
    return ranges != null;
  }

  /** The file of {@code --save-ranges}. */
  Optional<Path> rangesToWrite() {
    return Optional.ofNullable(saveRanges);
  }

  /** Sets up {@code training}, and watches over the state of its calibration until closed. */
  KeptState applyTo(PostTraining training, Path target, Console console) throws IOException {
    if (ranges != null && (saveRanges != null || resume != null)) {
      throw new OptionException(
          "--ranges leaves calibration out, so "
              + (resume != null ? "--resume" : "--save-ranges")
              + " has no effect; drop one of the two");
    }
    if (saveRanges != null) {
      training.saveRanges(saveRanges);
    }
    if (ranges != null) {
      training.ranges(ranges);
    }
    Path state = resume;
    if (state == null) {
      state = target.resolveSibling(target.getFileName() + ".calibration");
      Files.deleteIfExists(state);
    } else {
      ReportOptions.checkFolder(state);
      if (Files.exists(state)) {
        console.note("carrying on the calibration kept in '" + state + "'");
      }
    }
    training.resumable(state);
    return new KeptState(state, console);
  }
}
