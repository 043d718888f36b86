package dev.octet.cli;

import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.bench.BenchReport;
import dev.octet.quantize.bench.BenchRow;
import dev.octet.quantize.bench.Benchmark;
import dev.octet.quantize.bench.Likeness;
import dev.octet.quantize.bench.Machine;
import dev.octet.quantize.bench.Timing;
import dev.octet.quantize.data.Batch;
import dev.octet.quantize.data.Batches;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.Feeder;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.evaluate.ModelRun;
import dev.octet.quantize.report.TextTable;
import dev.octet.quantize.run.ModelInputs;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code octet bench}: how long models take on the engine and on ONNX Runtime. */
@Command(
    name = "bench",
    description = "Time models on Octet's engine and on ONNX Runtime, side by side.",
    footer = {
      "",
      "Each side runs in a process of its own; the two take turns.",
      "",
      "Examples:",
      "  octet bench model.onnx model.int8.onnx --html bench.html",
      "  octet bench model.int8.onnx --batch 1,8 --threads 1,2,4 --shape image=nx3x224x224",
    })
final class BenchCommand extends OctetCommand {
  @Parameters(paramLabel = "MODEL", arity = "1..*", description = "Float or quantized ONNX files.")
  private List<Path> models = new ArrayList<>();

  @Option(
      names = "--batch",
      paramLabel = "N",
      split = ",",
      description = "Batch sizes, where models leave that open (default: 1).")
  private List<Integer> batches = List.of(1);

  @Option(
      names = "--threads",
      paramLabel = "N",
      split = ",",
      description = "Numbers of threads inside an operator (default: 1).")
  private List<Integer> threads = List.of(1);

  @Option(
      names = "--runs",
      paramLabel = "N",
      description = "Timed runs of each side in each setting (default: 50).")
  private int runs = 50;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "Turns of each side, among which the runs are shared out (default: 5).")
  private int rounds = 5;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      description =
          "How long a side may take in each setting, loading included; then it is ended (default: 600).")
  private long timeout = Benchmark.LIMIT.toSeconds();

  @ArgGroup(validate = false, heading = "%nInputs, random ones without --data:%n")
  private ShapeOptions shapes = new ShapeOptions();

  @ArgGroup(validate = false, heading = "%nData:%n")
  private DataOptions data = new DataOptions();

  @ArgGroup(validate = false, heading = "%nImages become tensors:%n")
  private PreprocessingOptions preprocessing = new PreprocessingOptions();

  @Option(names = "--json", paramLabel = "FILE", description = "%nWrite the figures as JSON.")
  private @Nullable Path json;

  @Option(names = "--html", paramLabel = "FILE", description = "Write a page with a chart.")
  private @Nullable Path html;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() throws IOException {
    Console console = output.console();
    checkOptions();
    Set<String> names = new TreeSet<>();
    for (Path file : models) {
      Model model = OnnxReader.read(file);
      ModelInputs.of(model.graph()).stream().map(ModelInput::name).forEach(names::add);
    }
    shapes.check(names);
    Benchmark benchmark =
        new Benchmark(
            BenchChild.class.getName(),
            batches,
            threads,
            runs,
            rounds,
            Duration.ofSeconds(timeout));
    BenchReport report =
        benchmark.run(
            models.stream().map(Path::toAbsolutePath).toList(),
            (model, batch) -> inputs(model, batch, console),
            row -> console.note(done(row)));
    if (json != null) {
      report.writeJson(json);
    }
    if (html != null) {
      report.writeHtml(html);
    }
    console.print(text(report));
    return ExitCode.OK;
  }

  private void checkOptions() {
    batches.forEach(batch -> CountOption.check("--batch", batch));
    threads.forEach(count -> CountOption.check("--threads", count));
    CountOption.check("--rounds", rounds);
    CountOption.check("--timeout", timeout);
    if (runs < rounds) {
      throw new OptionException("--runs", runs, "choose " + rounds + " or more, as --rounds says");
    }
    if (json != null) {
      ReportOptions.checkFolder(json);
    }
    if (html != null) {
      ReportOptions.checkFolder(html);
    }
  }

  private Map<String, HostTensor> inputs(Model model, int batch, Console console) {
    Path path = data.path();
    if (path == null) {
      return shapes.random(model.graph(), batch);
    }
    List<ModelInput> inputs = ModelInputs.of(model.graph());
    InputBinding binding = ModelRun.binding(model);
    Samples samples =
        data.forEvaluation(data.open(path, inputs, preprocessing, null, console).evaluation());
    try (Batches all = Batches.of(samples, binding, batch)) {
      if (!all.hasNext()) {
        throw new DataException("'" + path + "' holds no batch of " + batch + " samples");
      }
      Batch first = all.next();
      if (first.size() != batch && binding.fixedBatch().isEmpty()) {
        throw new DataException(
            "'"
                + path
                + "' holds "
                + first.size()
                + " samples that fit in one batch, not "
                + batch);
      }
      return new Feeder(binding).feed(first);
    }
  }

  private static String done(BenchRow row) {
    Double ratio = row.ratio();
    return "%s, batch %d, threads %d: %s"
        .formatted(
            row.model(),
            row.batch(),
            row.threads(),
            ratio == null ? "not both sides" : String.format(Locale.ROOT, "%.2fx", ratio));
  }

  private static String text(BenchReport report) {
    TextTable table =
        new TextTable(1)
            .row(
                "model",
                "batch",
                "threads",
                "engine ms",
                "p10-p90",
                "ONNX Runtime ms",
                "p10-p90",
                "ratio",
                "outputs apart",
                "load ms",
                "first ms",
                "peak MB");
    Set<String> refusals = new LinkedHashSet<>(); // a reason often holds for every setting
    for (BenchRow row : report.rows()) {
      Timing mine = row.engine().timing();
      Timing other = row.onnxRuntime().timing();
      Double ratio = row.ratio();
      Likeness outputs = row.outputs();
      if (outputs != null && outputs.misfit() != null) {
        refusals.add(row.model() + ", outputs: " + outputs.misfit());
      }
      table.row(
          row.model(),
          Integer.toString(row.batch()),
          Integer.toString(row.threads()),
          mine == null ? "refused" : ms(mine.medianMs()),
          mine == null ? "" : ms(mine.p10Ms()) + "-" + ms(mine.p90Ms()),
          other == null ? "refused" : ms(other.medianMs()),
          other == null ? "" : ms(other.p10Ms()) + "-" + ms(other.p90Ms()),
          ratio == null ? "" : String.format(Locale.ROOT, "%.2fx", ratio),
          outputs == null ? "" : outputs.text(),
          pair(mine == null ? null : mine.loadMs(), other == null ? null : other.loadMs()),
          pair(mine == null ? null : mine.firstRunMs(), other == null ? null : other.firstRunMs()),
          pair(megabytes(mine), megabytes(other)));
      refuse(refusals, row.model() + ", engine", row.engine());
      refuse(refusals, row.model() + ", ONNX Runtime", row.onnxRuntime());
    }
    Machine machine = report.machine();
    StringBuilder text = new StringBuilder(table.print());
    refusals.forEach(refusal -> text.append(refusal).append('\n'));
    text.append("\nPairs are engine / ONNX Runtime; medians of ")
        .append(report.runs())
        .append(" runs in ")
        .append(report.rounds())
        .append(
            " turns.\nOutputs apart: largest difference, noise beside ONNX Runtime's, same class.\n");
    String cpu =
        "%s, %d cores, %s"
            .formatted(machine.cpu(), machine.cores(), String.join(" ", machine.instructionSets()));
    return text.append(
            Stream.of(cpu, machine.engine(), machine.onnxRuntime(), "Java " + machine.java())
                .filter(part -> !part.isEmpty())
                .collect(Collectors.joining("; ")))
        .append('\n')
        .toString();
  }

  private static void refuse(Set<String> refusals, String where, BenchRow.Side side) {
    if (side.refused() != null) {
      refusals.add(where + ": " + side.refused());
    }
  }

  private static String ms(double value) {
    return String.format(Locale.ROOT, value < 10 ? "%.3f" : value < 100 ? "%.2f" : "%.1f", value);
  }

  private static String pair(@Nullable Double mine, @Nullable Double other) {
    return (mine == null ? "-" : String.format(Locale.ROOT, "%.0f", mine))
        + " / "
        + (other == null ? "-" : String.format(Locale.ROOT, "%.0f", other));
  }

  private static @Nullable Double megabytes(@Nullable Timing timing) {
    Long bytes = timing == null ? null : timing.peakBytes();
    return bytes == null ? null : bytes / 1e6;
  }
}
