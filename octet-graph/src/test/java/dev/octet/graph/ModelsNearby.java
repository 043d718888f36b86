package dev.octet.graph;

import dev.octet.graph.onnx.OnnxReader;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** The real models that lie beside the project; tests that want them are skipped without. */
public final class ModelsNearby {
  private ModelsNearby() {}

  /** The model in {@code shared/models/NAME.onnx}; aborts the test where it is not there. */
  public static Model read(String name) {
    String given = System.getProperty("octet.shared");
    Path found = given == null ? null : Path.of(given, "models", name + ".onnx");
    for (Path at = Path.of("").toAbsolutePath(); found == null && at != null; at = at.getParent()) {
      Path here = at.resolve("shared").resolve("models").resolve(name + ".onnx");
      found = Files.isRegularFile(here) ? here : null;
    }
    Assumptions.assumeTrue(found != null, "no shared/models/" + name + ".onnx beside the project");
    return OnnxReader.read(found);
  }
}
