package dev.octet.cli;

import dev.octet.quantize.Progress;
import dev.octet.quantize.report.QuantizationReport;
import dev.octet.quantize.report.Warning;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Where a command talks to the user: results to one stream, everything else to the other. */
final class Console {
  private final PrintWriter out;
  private final PrintWriter err;
  private final boolean quiet;
  private final boolean verbose;
  private final Progress progress;
  private final Set<String> warnings = new LinkedHashSet<>();

  Console(PrintWriter out, PrintWriter err, boolean quiet, boolean verbose) {
    this.out = out;
    this.err = err;
    this.quiet = quiet;
    this.verbose = verbose;
    this.progress =
        quiet ? Progress.SILENT : isTerminal() ? new ProgressBars() : new ProgressLines(err);
  }

  /** A result. */
  void print(String text) {
    out.print(text.endsWith("\n") ? text : text + "\n");
    out.flush();
  }

  /** What the user should know of the run, not of the result. */
  void note(String text) {
    if (!quiet) {
      err.println(clearLine() + text);
    }
  }

  /** As {@link #note}, with {@code --verbose} only. */
  void detail(String text) {
    if (verbose) {
      note(text);
    }
  }

  /** Something amiss that does not stop the run; each text is shown once. */
  synchronized void warn(String text) {
    if (warnings.add(text)) {
      note("octet: warning: " + text);
    }
  }

  /** {@code report} with the warnings that were shown while its numbers were made. */
  synchronized QuantizationReport withWarnings(QuantizationReport report) {
    if (warnings.isEmpty()) {
      return report;
    }
    List<Warning> all = new ArrayList<>(report.warnings());
    warnings.forEach(text -> all.add(new Warning("data", text)));
    return new QuantizationReport(
        report.run(),
        report.size(),
        report.data(),
        report.stages(),
        report.layers(),
        report.tensors(),
        report.outputs(),
        report.metrics(),
        all);
  }

  /** Something that the exit code will tell too, so it is shown with {@code --quiet} as well. */
  void complain(String text) {
    err.println(clearLine() + "octet: " + text);
  }

  /** The one listener for all long work of a run. */
  Progress progress() {
    return progress;
  }

  /** A bar may stand on the line; it is drawn again below. */
  private static String clearLine() {
    return isTerminal() ? "\r\u001b[2K" : "";
  }

  /**
   * Whether standard error is a terminal that can redraw a line. The launcher says so; the JVM only
   * knows of its input and output together.
   */
  private static boolean isTerminal() {
    return Boolean.getBoolean("octet.terminal") && !"dumb".equals(System.getenv("TERM"));
  }
}
