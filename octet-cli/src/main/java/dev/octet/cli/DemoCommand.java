package dev.octet.cli;

import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.report.MetricResult;
import dev.octet.quantize.report.OutputReport;
import dev.octet.quantize.report.QuantizationReport;
import dev.octet.quantize.report.TextTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code octet demo}: everything, on a model that ships with Octet. It runs the very commands it
 * prints, so that a reader can repeat them.
 */
@Command(
    name = "demo",
    description =
        "Quantize the model that ships with Octet to 8 and to 4 bits, evaluate, compare and report.",
    mixinStandardHelpOptions = true,
    versionProvider = Octet.VersionText.class,
    sortOptions = false)
final class DemoCommand implements Callable<Integer> {
  private static final int CALIBRATION_IMAGES = 480;
  private static final int EVALUATION_IMAGES = 1200;

  /** What the launcher was called as, so that a reader can copy the lines. */
  private static final String COMMAND = System.getProperty("octet.command", "octet");

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description = "Folder for model, images and reports (default: octet-out/demo).")
  private Path folder = Path.of("octet-out", "demo");

  @Mixin private CommonOptions common;

  @Override
  public Integer call() throws IOException {
    Console console = common.console();
    DemoFolder demo = new DemoFolder(folder);
    if (Files.exists(folder) && !Files.exists(demo.model()) && !empty(folder)) {
      throw new OptionException(
          "'" + folder + "' holds something else than an earlier demo; choose another --out");
    }
    console.print(
        "A small network that tells %d drawn figures apart, and %d images to teach and test with:"
            .formatted(DemoImages.CLASSES, CALIBRATION_IMAGES + EVALUATION_IMAGES));
    demo.write(CALIBRATION_IMAGES, EVALUATION_IMAGES);
    console.print("  " + demo.model() + "\n  " + demo.images() + "\n");

    Path int8 = folder.resolve("demo.int8.onnx");
    Path w4a8 = folder.resolve("demo.w4a8.onnx");
    QuantizationReport eight = quantize(demo, "int8", int8, console);
    QuantizationReport four = quantize(demo, "w4a8", w4a8, console);
    Path comparison = folder.resolve("compare.html");
    String data = " --data " + demo.images() + " " + DemoFolder.PREPROCESSING;
    run(
        "compare " + demo.model() + " " + w4a8 + data + " --report " + comparison + " --json",
        console);
    console.print("");
    console.print(table(eight, four));
    console.print(
        """

        What it cost, layer by layer, in pages that open in any browser:
          %s
          %s
          %s
        Next: %s inspect %s"""
            .formatted(
                folder.resolve("demo.int8.report.html"),
                folder.resolve("demo.w4a8.report.html"),
                comparison,
                COMMAND,
                int8));
    return ExitCode.OK;
  }

  private QuantizationReport quantize(
      DemoFolder demo, String recipe, Path target, Console console) {
    String line =
        "quantize %s --data %s %s --recipe %s -o %s --force"
            .formatted(demo.model(), demo.images(), DemoFolder.PREPROCESSING, recipe, target);
    return QuantizationReport.fromJson(run(line + " --json", console));
  }

  /** Shows a command, runs it, and returns what it prints. */
  private String run(String line, Console console) {
    console.print("$ " + COMMAND + " " + line.replace(" --json", ""));
    StringWriter out = new StringWriter();
    List<Exception> failures = new ArrayList<>();
    CommandLine command =
        Octet.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(common.err())
            .setExecutionExceptionHandler(
                (failure, at, parsed) -> {
                  failures.add(failure);
                  return ExitCode.INTERNAL;
                });
    List<String> words = new ArrayList<>(List.of(line.split(" ")));
    if (common.quiet()) {
      words.add("--quiet");
    }
    int code = command.execute(words.toArray(String[]::new));
    if (code != ExitCode.OK) {
      throw new IllegalStateException(
          "'octet " + line + "' ended with " + code, failures.isEmpty() ? null : failures.get(0));
    }
    return out.toString();
  }

  private static String table(QuantizationReport eight, QuantizationReport four) {
    TextTable columns =
        new TextTable(1).row("", "bytes", "top-1", "agrees with float", "SQNR of the output");
    MetricResult top1 = metric(eight, "top1");
    columns.row(
        "float32",
        bytes(Objects.requireNonNull(eight.size()).bytesBefore()),
        percent(top1 == null ? null : top1.floatValue()),
        "",
        "");
    quantized(columns, "int8", eight);
    quantized(columns, "w4a8 (4-bit weights)", four);
    return columns.print();
  }

  private static void quantized(TextTable columns, String name, QuantizationReport report) {
    columns.row(
        name,
        bytes(Objects.requireNonNull(report.size()).bytesAfter()),
        percent(value(metric(report, "top1"))),
        percent(value(metric(report, "agreement"))),
        report.outputs().stream()
            .map(OutputReport::sqnrDb)
            .filter(Objects::nonNull)
            .map(sqnr -> String.format(Locale.ROOT, "%.1f dB", sqnr))
            .findFirst()
            .orElse(""));
  }

  private static @Nullable MetricResult metric(QuantizationReport report, String name) {
    return report.metrics().stream()
        .filter(metric -> metric.name().equals(name))
        .findFirst()
        .orElse(null);
  }

  private static @Nullable Double value(@Nullable MetricResult metric) {
    return metric == null ? null : metric.quantizedValue();
  }

  private static String percent(@Nullable Double value) {
    return value == null ? "" : String.format(Locale.ROOT, "%.2f %%", value);
  }

  private static String bytes(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  private static boolean empty(Path folder) throws IOException {
    try (var entries = Files.list(folder)) {
      return entries.findAny().isEmpty();
    }
  }
}
