package dev.octet.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One case of a golden file: inputs, parameters and what a peer made of them.
 *
 * <p>An argument of a parameterized test:
 *
 * <pre>{@code
 * static Stream<Golden> cases() {
 *   return Golden.cases("onnx-qdq", name -> name.startsWith("ties"));
 * }
 *
 * @ParameterizedTest(name = "{0}")
 * @MethodSource("cases")
 * void agreesWithOnnxRuntime(Golden golden) { ... }
 * }</pre>
 *
 * <p>JUnit closes it after the test, and closing fails when the test left something in {@code
 * expected} unread: a number nobody compares with is a mistake. {@link Fields#leave} says that it
 * is meant.
 */
public final class Golden implements AutoCloseable {
  private final String name;
  private final Fields inputs;
  private final Fields params;
  private final Fields expected;

  private Golden(Fields fields) {
    name = fields.text("name");
    inputs = fields.object("inputs");
    params = fields.object("params");
    expected = fields.object("expected");
  }

  /** All cases of {@code shared/golden/TOPIC.json}; skips the test where there is no such file. */
  public static Stream<Golden> cases(String topic) {
    return cases(topic, name -> true);
  }

  /**
   * The cases whose name is wanted; skips the test where there is no such file.
   *
   * @throws IllegalArgumentException if no case is wanted: a filter that matches nothing tests
   *     nothing
   */
  public static Stream<Golden> cases(String topic, Predicate<String> wanted) {
    Path file = SharedFolder.require("golden/" + topic + ".json");
    List<Golden> cases = read(file).filter(golden -> wanted.test(golden.name)).toList();
    if (cases.isEmpty()) {
      throw new IllegalArgumentException("'" + file + "' has no case of the wanted names");
    }
    return cases.stream();
  }

  /** All cases of a file in the golden files' schema. */
  static Stream<Golden> read(Path file) {
    Map<String, @Nullable Object> tree;
    try {
      tree = JsonTree.read(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    List<Fields> cases = new Fields(String.valueOf(file.getFileName()), tree).objects("cases");
    if (cases.isEmpty()) {
      throw new IllegalArgumentException("'" + file + "' has no cases");
    }
    return cases.stream().map(Golden::new);
  }

  /** The name, which is unique in its file. */
  public String name() {
    return name;
  }

  /** What went in. */
  public Fields inputs() {
    return inputs;
  }

  /** How it was done. */
  public Fields params() {
    return params;
  }

  /** What came out. */
  public Fields expected() {
    return expected;
  }

  /**
   * Checks that everything expected was read.
   *
   * @throws AssertionError if something was not
   */
  @Override
  public void close() {
    List<String> unread = expected.unread();
    if (!unread.isEmpty()) {
      throw new AssertionError(
          "case '"
              + name
              + "': nothing compared "
              + unread
              + "; read it, or leave() it on purpose");
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
