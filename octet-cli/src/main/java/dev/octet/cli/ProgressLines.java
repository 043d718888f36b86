package dev.octet.cli;

import dev.octet.quantize.Progress;
import java.io.PrintWriter;
import java.util.OptionalLong;

/**
 * Progress as plain lines, for logs: one when a stage begins and one when it ends; in between one
 * for each tenth, where that takes long enough to be worth a line.
 */
final class ProgressLines implements Progress {
  private static final long SPARED_NANOS = 2_000_000_000L;

  private final PrintWriter err;
  private String stage = "";
  private long total;
  private long done;
  private long tenths;
  private long started;
  private long lastLine;

  ProgressLines(PrintWriter err) {
    this.err = err;
  }

  @Override
  public void begin(String name, OptionalLong steps) {
    stage = name;
    total = steps.orElse(0);
    done = 0;
    tenths = 0;
    started = System.nanoTime();
    lastLine = started;
    err.println(stage + (total > 0 ? " (" + total + " samples)" : "") + " ...");
  }

  @Override
  public void advance(long steps) {
    done += steps;
    if (total <= 0) {
      return;
    }
    long reached = Math.min(10, 10 * done / total);
    long now = System.nanoTime();
    if (reached > tenths && reached < 10 && now - lastLine >= SPARED_NANOS) {
      long left = (long) ((double) (now - started) / done * (total - done));
      err.println(stage + " " + 10 * reached + " %, " + seconds(left) + " left");
      tenths = reached;
      lastLine = now;
    }
  }

  @Override
  public void end() {
    err.println(stage + " done in " + seconds(System.nanoTime() - started));
  }

  private static String seconds(long nanos) {
    long seconds = Math.max(0, nanos) / 1_000_000_000;
    return seconds < 60 ? seconds + " s" : seconds / 60 + " min " + seconds % 60 + " s";
  }
}
