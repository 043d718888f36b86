package dev.octet.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/**
 * The folder {@code shared} beside the project: models, data and golden vectors that are no part of
 * the repository.
 *
 * <p>It is named by the system property {@code octet.shared}, or else found by looking from the
 * working directory upwards for a folder {@code shared} that holds {@code golden}.
 */
public final class SharedFolder {
  /** The system property that names the folder. */
  public static final String PROPERTY = "octet.shared";

  private SharedFolder() {}

  /** The folder, where there is one. */
  public static Optional<Path> find() {
    String named = System.getProperty(PROPERTY);
    if (named != null) {
      Path folder = Path.of(named);
      if (!Files.isDirectory(folder)) {
        throw new IllegalStateException(
            "system property '" + PROPERTY + "' names '" + named + "', which is no folder");
      }
      return Optional.of(folder);
    }
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path folder = at.resolve("shared");
      if (Files.isDirectory(folder.resolve("golden"))) {
        return Optional.of(folder);
      }
    }
    return Optional.empty();
  }

  /**
   * A file or folder in it, such as {@code models/mnist-cnn.onnx}. Skips the calling test where it
   * does not exist.
   */
  public static Path require(String path) {
    Optional<Path> found = find().map(folder -> folder.resolve(path)).filter(Files::exists);
    Assumptions.assumeTrue(
        found.isPresent(),
        "skipped: no 'shared/"
            + path
            + "' beside the project; set -D"
            + PROPERTY
            + " to its folder");
    return found.orElseThrow();
  }
}
