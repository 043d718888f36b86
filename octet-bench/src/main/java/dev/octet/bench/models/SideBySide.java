package dev.octet.bench.models;

import dev.octet.quantize.bench.BenchRow;
import dev.octet.quantize.bench.Benchmark;
import dev.octet.quantize.bench.Timing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What this package's programs share: their first word, and times of two sides as text. */
final class SideBySide {
  private SideBySide() {}

  /** The folder that the first word names; made where it is not there yet. */
  static Path folder(String[] args, String usage) throws IOException {
    if (args.length == 0) {
      System.err.println("usage: " + usage);
      System.exit(2);
    }
    return Files.createDirectories(Path.of(args[0]));
  }

  /** The number that a word is, if there are so many words. */
  static int number(String[] args, int word, int otherwise) {
    return args.length > word ? Integer.parseInt(args[word]) : otherwise;
  }

  /** One thread, batch 1. */
  static Benchmark benchmark(int runs, int rounds) {
    return new Benchmark(
        FamiliesChild.class.getName(),
        List.of(1),
        List.of(1),
        runs,
        Math.min(runs, rounds),
        Benchmark.LIMIT);
  }

  /**
   * The median of a side in milliseconds, or why there is none.
   *
   * @param format of one number
   */
  static String text(BenchRow.Side side, String format) {
    Timing timing = side.timing();
    return timing == null
        ? String.valueOf(side.refused())
        : String.format(Locale.ROOT, format, timing.medianMs());
  }

  /**
   * How many times as fast one is as the other.
   *
   * @param format of one number
   * @param unknown stands where one of them was not timed
   */
  static String ratio(
      @Nullable Timing slower, @Nullable Timing faster, String format, String unknown) {
    return slower == null || faster == null
        ? unknown
        : String.format(Locale.ROOT, format, slower.medianMs() / faster.medianMs());
  }
}
