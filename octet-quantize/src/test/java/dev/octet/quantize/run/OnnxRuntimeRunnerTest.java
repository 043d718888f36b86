package dev.octet.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.fixture.Net;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What ONNX Runtime has of its own; the rest is in {@link GraphRunnerTest}. */
class OnnxRuntimeRunnerTest {
  /** ONNX Runtime 1.29 crashes on this model as it stands, and the JVM with it. */
  @Test
  void runsASplitThatLeavesAnOutputOut() {
    Net net = Net.create();
    Value x = net.input("x", -1, 3);
    Value middle = net.graph().addValue("middle", null);
    net.graph()
        .add(
            NodeSpec.of("Split")
                .reads(x, net.longs("sizes", 1, 1, 1))
                .makes(null, middle, null)
                .with("axis", 1));
    Model model = net.returns(2, middle).model();
    float[] given = {1, 2, 3};
    Map<String, HostTensor> results = new LinkedHashMap<>();
    try (GraphRunner runner = OnnxRuntimeRunner.open(model)) {
      runner.run(Map.of("x", HostTensor.ofFloats(new int[] {1, 3}, given)), results::put);
    }
    assertThat(results.get("middle").floats()).containsExactly(given[1]);
    assertThat(model.graph().nodes().get(0).outputs()).contains((Value) null);
  }

  @Test
  void saysWhatTheRuntimeHasAgainstAModel() {
    Net net = Net.create();
    Value y = net.node("Concat", "y", Map.of("axis", 0L), net.input("x", -1, 3), net.longs("k", 1));

    assertThatThrownBy(() -> OnnxRuntimeRunner.open(net.returns(2, y).model()))
        .isInstanceOf(RunException.class)
        .hasMessageContaining("does not accept the model")
        .hasMessageNotContaining("\n");
  }

  @Test
  void memoryStaysFlatOverManyRunners() throws IOException {
    Path status = Path.of("/proc/self/status");
    assumeTrue(Files.exists(status), "skipped: this system does not tell a process its memory");
    Net net = Net.create();
    Value y = net.conv("y", net.input("x", -1, 8, 32, 32), 8, 32);
    Model model = net.returns(4, y).model();
    openRunClose(model, 100);
    long before = residentKilobytes(status);
    openRunClose(model, 400);

    // One leaked input or output a round would be 50 MB and more, a leaked session as much again.
    assertThat(residentKilobytes(status) - before).isLessThan(40_000);
  }

  private static void openRunClose(Model model, int rounds) {
    HostTensor x = HostTensor.ofFloats(new int[] {1, 8, 32, 32}, new float[8 * 32 * 32]);
    for (int i = 0; i < rounds; i++) {
      try (GraphRunner runner = OnnxRuntimeRunner.open(model, List.of("y"), 1)) {
        runner.run(Map.of("x", x), (name, value) -> {});
      }
    }
  }

  private static long residentKilobytes(Path status) throws IOException {
    System.gc();
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }
}
