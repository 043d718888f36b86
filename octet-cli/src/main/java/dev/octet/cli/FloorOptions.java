package dev.octet.cli;

import dev.octet.quantize.report.MetricResult;
import dev.octet.quantize.report.OutputReport;
import dev.octet.quantize.report.QuantizationReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What a result must reach for the command to end with 0. */
final class FloorOptions {
  @Option(
      names = "--min-agreement",
      paramLabel = "PERCENT",
      description = "End with 1 if fewer samples get the float model's class.")
  private @Nullable Double agreement;

  @Option(
      names = "--min-sqnr",
      paramLabel = "DB",
      description = "End with 1 if an output's signal-to-noise ratio is lower.")
  private @Nullable Double sqnr;

  @Option(
      names = "--max-loss",
      paramLabel = "POINTS",
      description = "End with 1 if top-1 accuracy falls by more percentage points.")
  private @Nullable Double loss;

  /** Whether any floor is set, so that something has to be measured. */
  boolean any() {
    return agreement != null || sqnr != null || loss != null;
  }

  /** Says which floors {@code report} misses and returns the exit code. */
  int judge(QuantizationReport report, Console console) {
    List<String> missed = missed(report);
    missed.forEach(console::complain);
    return missed.isEmpty() ? ExitCode.OK : ExitCode.BELOW_TARGET;
  }

  private List<String> missed(QuantizationReport report) {
    List<String> missed = new ArrayList<>();
    if (agreement != null) {
      MetricResult measured = metric(report, "agreement");
      if (measured == null) {
        missed.add("--min-agreement cannot be judged: the outputs name no classes");
      } else if (measured.quantizedValue() < agreement) {
        missed.add(
            text(
                "agreement is %.2f %%, below --min-agreement %s",
                measured.quantizedValue(), agreement));
      }
    }
    if (sqnr != null) {
      for (OutputReport output : report.outputs()) {
        Double measured = output.sqnrDb();
        if (measured != null && !(measured >= sqnr)) {
          missed.add(
              "output '"
                  + output.name()
                  + "': "
                  + text("SQNR is %.1f dB, below --min-sqnr %s", measured, sqnr));
        }
      }
    }
    if (loss != null) {
      MetricResult top1 = metric(report, "top1");
      OptionalDouble lost = top1 == null ? OptionalDouble.empty() : top1.loss();
      if (lost.isEmpty()) {
        missed.add("--max-loss cannot be judged: the samples have no labels");
      } else if (lost.getAsDouble() > loss) {
        missed.add(
            text("top-1 fell by %.2f points, more than --max-loss %s", lost.getAsDouble(), loss));
      }
    }
    return missed;
  }

  private static @Nullable MetricResult metric(QuantizationReport report, String name) {
    return report.metrics().stream()
        .filter(metric -> metric.name().equals(name))
        .findFirst()
        .orElse(null);
  }

  private static String text(String format, double measured, Double wanted) {
    return String.format(Locale.ROOT, format, measured, wanted);
  }
}
