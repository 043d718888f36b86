package dev.octet.quantize.data;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Finds the real data that tests may use where it is present; tests are skipped where it is not.
 */
final class SharedData {

  private SharedData() {}

  static Path folder(String name) {
    String set = System.getProperty("octet.shared");
    Path found = set == null ? search() : Path.of(set);
    assumeTrue(
        found != null && Files.isDirectory(found.resolve("data").resolve(name)),
        "no shared data folder '" + name + "'; set -Doctet.shared to run this test");
    return found.resolve("data").resolve(name);
  }

  private static Path search() {
    Path at = Path.of("").toAbsolutePath();
    while (at != null) {
      Path candidate = at.resolve("shared");
      if (Files.isDirectory(candidate.resolve("data"))) {
        return candidate;
      }
      at = at.getParent();
    }
    return null;
  }
}
