package dev.octet.cli;

import dev.octet.quantize.report.QuantizationReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Where the report goes. */
final class ReportOptions {
  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Write the report here; .html or .json decides the form. Repeatable.")
  private List<Path> reports = new ArrayList<>();

  @Option(names = "--json", description = "Print the report as JSON, and nothing else.")
  private boolean json;

  /** Whether standard output is to hold JSON alone. */
  boolean json() {
    return json;
  }

  /** The files asked for, checked; {@code otherwise} when none was. */
  List<Path> files(List<Path> otherwise) {
    for (Path file : reports) {
      String name = file.toString().toLowerCase(Locale.ROOT);
      if (!name.endsWith(".html") && !name.endsWith(".json")) {
        throw new OptionException("--report", "'" + file + "'", "end it in .html or .json");
      }
    }
    List<Path> files = reports.isEmpty() ? otherwise : reports;
    files.forEach(ReportOptions::checkFolder);
    return files;
  }

  /** Better before the work than after it. */
  static void checkFolder(Path file) {
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new OptionException(
          "'" + file + "' cannot be written: folder '" + folder + "' does not exist; create it");
    }
    if (!Files.isWritable(folder)) {
      throw new OptionException(
          "'" + file + "' cannot be written: folder '" + folder + "' is read-only");
    }
    if (Files.isDirectory(file)) {
      throw new OptionException("'" + file + "' is a folder; name a file");
    }
  }

  /** Prints the report, and writes it to {@code files}. */
  void deliver(QuantizationReport report, List<Path> files, Console console) throws IOException {
    for (Path file : files) {
      if (file.toString().toLowerCase(Locale.ROOT).endsWith(".html")) {
        report.writeHtml(file);
      } else {
        report.writeJson(file);
      }
    }
    if (json) {
      console.print(report.toJson());
      return;
    }
    console.print(report.summary());
    if (!files.isEmpty()) {
      console.print("");
      files.forEach(file -> console.print("report: " + file));
    }
  }
}
