package dev.octet.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.fixture.Net;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RunnerTest {
  private static final HostTensor ROW =
      HostTensor.ofFloats(new int[] {1, 3}, new float[] {1, 2, 3});

  @AfterEach
  void forgetTheChoice() {
    System.clearProperty(Runner.PROPERTY);
  }

  @Test
  void theEngineNamesTheNodeThatItCannotRun() {
    assertThatThrownBy(() -> Runner.ENGINE.open(unique(), List.of("y"), 1))
        .isInstanceOf(RunException.class)
        .hasMessageContaining("'y/node' (Unique)")
        .hasMessageContaining("ONNX Runtime can be used instead");
  }

  @Test
  void onnxRuntimeTakesOverWhatTheEngineCannotRun() {
    try (GraphRunner runner = Runner.AUTO.open(unique(), List.of("y"), 1)) {
      runner.run(Map.of("x", ROW), (name, y) -> assertThat(y.floats()).containsExactly(1, 2, 3));
    }
  }

  @Test
  void onnxRuntimeTakesOverAtTheFirstRunToo() {
    Net net = Net.create();
    Value x = net.input("x", -1, 3);
    Model model = net.returns(2, net.node("Abs", "y", x)).model();
    HostTensor none = HostTensor.ofFloats(new int[] {0, 3}, new float[0]);
    try (GraphRunner runner = Runner.AUTO.open(model, List.of("y"), 1)) {
      runner.run(Map.of("x", none), (name, y) -> assertThat(y).isEqualTo(none));
      runner.run(Map.of("x", ROW), (name, y) -> assertThat(y).isEqualTo(ROW));
    }
  }

  @Test
  void theSystemPropertyChooses() {
    System.setProperty(Runner.PROPERTY, "engine");
    assertThatThrownBy(() -> Runner.openChosen(unique(), List.of("y")))
        .isInstanceOf(RunException.class);

    System.setProperty(Runner.PROPERTY, "OnnxRuntime");
    try (GraphRunner runner = Runner.openChosen(unique(), List.of("y"))) {
      assertThat(runner).isInstanceOf(OnnxRuntimeRunner.class);
    }
  }

  @Test
  void aPropertyThatNamesNothingIsRefusedWithTheChoices() {
    System.setProperty(Runner.PROPERTY, "abacus");

    assertThatThrownBy(() -> Runner.openChosen(unique(), List.of("y")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'abacus'")
        .hasMessageContaining("[auto, engine, onnxruntime]");
  }

  /** A shape that depends on values: nothing that is compiled per shape can run it. */
  private static Model unique() {
    Net net = Net.create();
    Value x = net.input("x", -1, 3);
    return net.returns(1, net.node("Unique", "y", x)).model();
  }
}
