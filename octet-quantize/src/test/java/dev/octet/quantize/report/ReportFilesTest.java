package dev.octet.quantize.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.onnx.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportFilesTest {
  @TempDir Path folder;

  @Test
  void replacesAnOldFile() throws IOException {
    Path file = Files.writeString(folder.resolve("report.json"), "old and longer");

    AtomicFile.write(file, "née");

    assertThat(file).hasContent("née");
    assertThat(folder.toFile().list()).containsExactly("report.json");
  }

  @Test
  void leavesNothingBehindWhenTheTargetCannotBeReplaced() throws IOException {
    Path target = Files.createDirectory(folder.resolve("taken"));
    Files.writeString(target.resolve("inside"), "kept");

    assertThatThrownBy(() -> AtomicFile.write(target, "text")).isInstanceOf(IOException.class);

    assertThat(folder.toFile().list()).containsExactly("taken");
    assertThat(target.resolve("inside")).hasContent("kept");
  }

  @Test
  void namesAFolderThatDoesNotExist() {
    Path file = folder.resolve("missing").resolve("report.html");

    assertThatThrownBy(() -> SampleReport.empty().writeHtml(file))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(file + ": its folder does not exist; create it or choose another");
  }

  @Test
  void writesTheJsonThatItReads() throws IOException {
    Path file = folder.resolve("report.json");
    SampleReport.full().writeJson(file);

    assertThat(QuantizationReport.fromJson(Files.readString(file))).isEqualTo(SampleReport.full());
  }
}
