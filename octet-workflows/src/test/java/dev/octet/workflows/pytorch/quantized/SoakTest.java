package dev.octet.workflows.pytorch.quantized;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Native memory stays flat over 10,000 calls of quantized modules, without the garbage collector's
 * help, in a JVM of its own whose heap is touched from the start.
 */
final class SoakTest {
  private static final long PAGE = 4096;
  private static final long FLAT = 6L << 20;
  private static final Map<String, long[]> GROWTHS = new LinkedHashMap<>();

  @BeforeAll
  static void soak() throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xms96m",
            "-Xmx96m",
            "-XX:+AlwaysPreTouch",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dorg.bytedeco.javacpp.noPointerGC=true",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            SoakTest.class.getName()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("OMP_NUM_THREADS", "1");
    Process process = builder.start();
    StringBuilder output = new StringBuilder();
    try (var lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        output.append(line).append('\n');
        String[] words = line.split(" ", -1);
        if (words[0].equals("soaked")) {
          GROWTHS.put(
              words[1],
              new long[] {
                Long.parseLong(words[2]), Long.parseLong(words[3]), Long.parseLong(words[4])
              });
        }
      }
    }
    assertThat(process.waitFor()).as(output.toString()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"static", "dynamic", "openAndClose"})
  void memoryStaysFlat(String kind) {
    long[] growth = GROWTHS.get(kind);
    assertThat(growth).as("%s was soaked", kind).isNotNull();
    assertThat(growth[0]).as("open pointers").isZero();
    assumeTrue(growth[2] > 0, "no /proc tells how much memory is resident");
    assertThat(growth[1]).as("resident bytes").isLessThan(FLAT);
  }

  /** What soaks: prints for each kind what grew, and how much is resident. */
  public static void main(String[] args) {
    Torch.seed(1);
    Torch.threads(1);
    QuantParams grid = QuantParams.affine(0.05f, 128, 0, 255);
    try (Module module = layer(grid);
        Tensor x = kept(4, 16)) {
      soak("static", 10_000, 1_000, () -> call(module, x));
    }
    try (LSTM lstm = LSTM.builder(8, 8).build();
        Module module =
            QuantizedModules.dynamic(lstm, DynamicSpec.Settings.of(WeightFormat.INT8), false);
        Tensor x = kept(2, 1, 8)) {
      soak("dynamic", 3_000, 500, () -> call(module, x));
    }
    try (Tensor x = kept(4, 16)) {
      soak(
          "openAndClose",
          120,
          40,
          () -> {
            try (Module module = layer(grid)) {
              call(module, x);
            }
          });
    }
  }

  private static Tensor kept(long... shape) {
    try (Scope scope = Scope.open()) {
      return Scope.keep(org.bytedeco.pytorch.global.torch.randn(shape));
    }
  }

  private static Module layer(QuantParams grid) {
    try (Scope scope = Scope.open();
        Linear linear = Linear.builder(16, 8).build()) {
      QuantParams weight = QuantParams.affine(0.01f, 0, -128, 127);
      return QuantizedModules.from(linear, weight, List.of(grid), grid, true);
    }
  }

  private static void call(Module module, Tensor x) {
    try (Scope scope = Scope.open()) {
      assertThat(Tensors.shape(module.call(x))).isNotEmpty();
    }
  }

  private static void soak(String kind, int steps, int warmUp, Runnable step) {
    long pointers = 0;
    long resident = 0;
    for (int i = 0; i < steps; i++) {
      if (i == warmUp) {
        pointers = Pointer.totalCount();
        resident = residentBytes();
      }
      step.run();
    }
    long now = residentBytes();
    System.out.println(
        String.join(
            " ",
            "soaked",
            kind,
            Long.toString(Pointer.totalCount() - pointers),
            Long.toString(now - resident),
            Long.toString(now)));
  }

  private static long residentBytes() {
    try {
      String text = Files.readString(Path.of("/proc/self/statm"), StandardCharsets.US_ASCII);
      return Long.parseLong(text.split(" ", -1)[1]) * PAGE;
    } catch (IOException e) {
      return 0;
    }
  }
}
