package dev.octet.bench.models;

import dev.octet.quantize.bench.Contestant;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** One side of {@link Families}, in a process that it starts; not for people. */
public final class FamiliesChild {
  private FamiliesChild() {}

  /** Serves the parent until it says {@code quit}. */
  public static void main(String[] words) throws IOException {
    Contestant.serve(words, System.in, new PrintStream(System.out, true, StandardCharsets.UTF_8));
  }
}
