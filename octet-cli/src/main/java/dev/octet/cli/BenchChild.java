package dev.octet.cli;

import dev.octet.quantize.bench.Contestant;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** One side of {@code octet bench}, in a process that the command starts; not for people. */
public final class BenchChild {
  private BenchChild() {}

  /** Serves the parent until it says {@code quit}. */
  public static void main(String[] words) throws IOException {
    Contestant.serve(words, System.in, new PrintStream(System.out, true, StandardCharsets.UTF_8));
  }
}
