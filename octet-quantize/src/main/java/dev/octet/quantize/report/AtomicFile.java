package dev.octet.quantize.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Writes a text so that its name never shows half of it, as models are written. */
final class AtomicFile {
  private AtomicFile() {}

  /**
   * Replaces {@code target} by a file with this text in UTF-8; on failure the old file is
   * untouched.
   */
  static void write(Path target, String text) throws IOException {
    Path folder = target.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new NoSuchFileException(
          target.toString(), null, "its folder does not exist; create it or choose another");
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    dev.octet.graph.onnx.AtomicFile.write(target, out -> out.write(bytes));
  }
}
