package dev.octet.core.range;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** One golden case: a peer's inputs, settings and answers. */
public record PeerCase(String name, JsonNode inputs, JsonNode params, JsonNode expected) {

  /** The cases of a file whose name passes; the test is skipped where the vectors are not. */
  public static List<PeerCase> load(String file, Predicate<String> wanted) {
    Path golden = shared().resolve("golden").resolve(file);
    assumeTrue(Files.exists(golden), "no golden vectors at " + golden);
    List<PeerCase> cases = new ArrayList<>();
    try {
      for (JsonNode node : new ObjectMapper().readTree(golden.toFile()).get("cases")) {
        PeerCase one =
            new PeerCase(
                node.get("name").asText(),
                node.get("inputs"),
                node.get("params"),
                node.get("expected"));
        if (wanted.test(one.name)) {
          cases.add(one);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (cases.isEmpty()) {
      throw new IllegalStateException(file + " has no case that is wanted");
    }
    return cases;
  }

  private static Path shared() {
    String named = System.getProperty("octet.shared");
    if (named != null) {
      return Path.of(named);
    }
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.isDirectory(at.resolve("shared/golden"))) {
        return at.resolve("shared");
      }
    }
    return Path.of("../shared");
  }

  /** The batches under {@code inputs.batches}. */
  public List<JsonNode> batches() {
    List<JsonNode> batches = new ArrayList<>();
    inputs.get("batches").forEach(batches::add);
    return batches;
  }

  /** The values of an array, read as float. */
  public static float[] floats(JsonNode array) {
    JsonNode data = array.get("data");
    float[] values = new float[data.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.parseFloat(data.get(i).asText());
    }
    return values;
  }

  /** The values of an array, read as double. */
  public static double[] doubles(JsonNode array) {
    JsonNode data = array.get("data");
    double[] values = new double[data.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = Double.parseDouble(data.get(i).asText());
    }
    return values;
  }

  /** A number, read as float. */
  public static float number(JsonNode node) {
    return Float.parseFloat(node.asText());
  }

  /** The shape of an array. */
  public static int[] shape(JsonNode array) {
    JsonNode sizes = array.get("shape");
    int[] shape = new int[sizes.size()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = sizes.get(i).asInt();
    }
    return shape;
  }

  @Override
  public String toString() {
    return name;
  }
}
