package dev.octet.graph.onnx;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The real models that lie beside the project, where they do. */
final class SharedModels {
  private SharedModels() {}

  /** Every model there, sorted; empty where there is no shared folder. */
  static List<Path> all() throws IOException {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path models = at.resolve("shared").resolve("models");
      if (Files.isDirectory(models)) {
        try (Stream<Path> files = Files.list(models)) {
          return files.filter(f -> f.toString().endsWith(".onnx")).sorted().toList();
        }
      }
    }
    return List.of();
  }
}
