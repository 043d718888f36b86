package dev.octet.quantize.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.fixture.Net;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What every runner does, whichever runtime it has. */
@ParameterizedClass
@EnumSource(Runner.class)
class GraphRunnerTest {
  private static final HostTensor ROW =
      HostTensor.ofFloats(new int[] {1, 3}, new float[] {1, 2, 3});

  @Parameter private Runner runtime;

  @Test
  void handsOverTheOutputs() {
    assertThat(run(doubling(), Map.of("x", ROW)).get("y").floats()).containsExactly(2, 4, 6);
  }

  @Test
  void handsOverInnerValuesInTheOrderTheyWereAskedFor() {
    Net net = Net.create();
    Value x = net.input("x", -1, 3);
    Value b = net.node("Neg", "b", net.node("Abs", "a", x));
    Model model = net.returns(2, net.node("Exp", "c", b)).model();
    List<String> seen = new ArrayList<>();
    try (GraphRunner runner = runtime.open(model, List.of("c", "b", "x", "a", "b"), 1)) {
      runner.run(Map.of("x", ROW), (name, value) -> seen.add(name + value));
    }

    assertThat(seen)
        .containsExactly(
            "cfloat32 [1, 3]", "bfloat32 [1, 3]", "xfloat32 [1, 3]", "afloat32 [1, 3]");
    assertThat(model.graph().outputs()).extracting(Value::name).containsExactly("c");
  }

  @Test
  void observesAConstant() {
    Net net = Net.create();
    Value sum = net.node("Add", "y", net.input("x", -1, 3), net.floats("k", new float[] {7}, 1));
    try (GraphRunner runner = runtime.open(net.returns(2, sum).model(), List.of("k"), 1)) {
      runner.run(Map.of("x", ROW), (name, k) -> assertThat(k.floats()).containsExactly(7));
    }
  }

  @Test
  void handsOverAnInputThatIsAnOutput() {
    Net net = Net.create();
    Value x = net.input("x", -1, 3);
    Model model = net.returns(2, net.node("Neg", "y", x)).model();
    Map<String, HostTensor> seen = new LinkedHashMap<>();
    try (GraphRunner runner = runtime.open(model, List.of("x", "y"), 1)) {
      runner.run(Map.of("x", ROW), seen::put);
    }

    assertThat(seen.get("x")).isEqualTo(ROW);
    assertThat(seen.get("y").floats()).containsExactly(-1, -2, -3);
  }

  @Test
  void anInputWithADefaultNeedNotBeFed() {
    Net net = Net.create();
    Value x = net.input("x", -1, 3);
    Value k = net.input("k", 1);
    net.graph().setInitializer(k, Tensor.ofFloats(new float[] {7}, 1));
    Model model = net.returns(2, net.node("Add", "y", x, k)).model();

    assertThat(run(model, Map.of("x", ROW)).get("y").floats()).containsExactly(8, 9, 10);
  }

  @Test
  void anInputWithADefaultCannotBeFed() {
    Net net = Net.create();
    Value x = net.input("x", -1, 3);
    Value k = net.input("k", 1);
    net.graph().setInitializer(k, Tensor.ofFloats(new float[] {7}, 1));
    Model model = net.returns(2, net.node("Add", "y", x, k)).model();
    Map<String, HostTensor> feeds =
        Map.of("x", ROW, "k", HostTensor.ofFloats(new int[] {1}, new float[] {1}));
    assertThatThrownBy(() -> run(model, feeds))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'k' has a default, which cannot be replaced");
  }

  @Test
  void runsOneInputAfterAnotherOfAnotherSize() {
    HostTensor two = HostTensor.ofFloats(new int[] {2, 3}, new float[] {1, 2, 3, 4, 5, 6});
    Map<String, HostTensor> seen = new LinkedHashMap<>();
    try (GraphRunner runner = open(doubling())) {
      runner.run(Map.of("x", ROW), seen::put);
      runner.run(Map.of("x", two), seen::put);
    }

    assertThat(seen.get("y").shape()).containsExactly(2, 3);
    assertThat(seen.get("y").floats()).containsExactly(2, 4, 6, 8, 10, 12);
  }

  @Test
  void takesSeveralInputsOfSeveralTypesAndGivesSeveralOutputs() {
    Net net = Net.create();
    Value ids = net.input("ids", DataType.INT64, -1);
    Value flag = net.input("flag", DataType.BOOL);
    Value bytes = net.input("bytes", DataType.UINT8, 2);
    Value wide = net.input("wide", DataType.DOUBLE, 1);
    Value twice = net.node("Add", "twice", ids, ids);
    Value not = net.node("Not", "not", flag);
    Value whole = net.node("Cast", "whole", Map.of("to", 6L), bytes);
    Value less = net.node("Neg", "less", wide);
    net.returns(DataType.INT64, 1, twice).returns(DataType.BOOL, 0, not);
    net.returns(DataType.INT32, 1, whole).returns(DataType.DOUBLE, 1, less);
    Map<String, HostTensor> results =
        run(
            net.model(),
            Map.of(
                "ids", HostTensor.ofLongs(new int[] {2}, new long[] {1L << 40, -5}),
                "flag", HostTensor.ofBytes(ElementType.BOOL, new int[0], new byte[] {1}),
                "bytes", HostTensor.ofBytes(ElementType.UINT8, new int[] {2}, new byte[] {1, -1}),
                "wide", HostTensor.ofDoubles(new int[] {1}, new double[] {Math.PI})));

    assertThat(results.get("twice").longs()).containsExactly(1L << 41, -10);
    assertThat(results.get("not").byteBuffer().get(0)).isZero();
    assertThat(results.get("not").rank()).isZero();
    assertThat(results.get("whole").ints()).containsExactly(1, 255);
    assertThat(results.get("less").doubles()).containsExactly(-Math.PI);
  }

  @Test
  void takesATensorWithoutElementsOrSaysThatItDoesNot() {
    HostTensor none = HostTensor.ofFloats(new int[] {0, 3}, new float[0]);

    if (runtime == Runner.ENGINE) {
      assertThatThrownBy(() -> run(doubling(), Map.of("x", none)))
          .isInstanceOf(RunException.class)
          .hasMessageContaining("'x' is float32 [0, 3]");
    } else {
      assertThat(run(doubling(), Map.of("x", none)).get("y")).isEqualTo(none);
    }
  }

  @Test
  void widensFloat16Outputs() {
    Net net = Net.create();
    Value half = net.node("Cast", "half", Map.of("to", 10L), net.input("x", -1, 3));
    Value back = net.node("Cast", "back", Map.of("to", 1L), half);
    try (GraphRunner runner = runtime.open(net.returns(2, back).model(), List.of("half"), 1)) {
      runner.run(Map.of("x", ROW), (name, v) -> assertThat(v).isEqualTo(ROW));
    }
  }

  @Test
  void namesAMissingInput() {
    assertRefused(Map.of(), "no tensor is given for model input 'x'");
  }

  @Test
  void namesAnUnknownInput() {
    assertRefused(Map.of("x", ROW, "z", ROW), "the model has no input 'z'; its inputs are [x]");
  }

  @Test
  void refusesAnotherElementType() {
    assertRefused(
        Map.of("x", HostTensor.ofLongs(new int[] {1, 3}, new long[3])), "int64 [1, 3] is given");
  }

  @Test
  void refusesAnotherRank() {
    assertRefused(
        Map.of("x", HostTensor.ofFloats(new int[] {3}, new float[3])), "float32 [3] is given");
  }

  @Test
  void refusesAnotherSize() {
    assertRefused(
        Map.of("x", HostTensor.ofFloats(new int[] {1, 4}, new float[4])),
        "float32 [1, 4] is given");
  }

  @Test
  void refusesSizesThatDisagreeAboutOneSymbol() {
    Net net = Net.create();
    Value a = net.input("a", -1, 2);
    Value b = net.input("b", -1, 2);
    Model model = net.returns(2, net.node("Add", "y", a, b)).model();
    Map<String, HostTensor> feeds = new LinkedHashMap<>();
    feeds.put("a", HostTensor.ofFloats(new int[] {3, 2}, new float[6]));
    feeds.put("b", HostTensor.ofFloats(new int[] {1, 2}, new float[2]));
    try (GraphRunner runner = open(model)) {
      assertThatThrownBy(() -> runner.run(feeds, (name, value) -> {}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'b'");
    }
  }

  @Test
  void refusesToObserveWhatIsNotThere() {
    assertThatThrownBy(() -> runtime.open(doubling(), List.of("nowhere"), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'nowhere'");
  }

  @Test
  void saysWhatFailedAtRunTimeAndRunsAgain() {
    Net net = Net.create();
    Value y = net.node("Reshape", "y", net.input("x", -1, 3), net.longs("to", 3, 1));
    try (GraphRunner runner = open(net.returns(2, y).model())) {
      HostTensor two = HostTensor.ofFloats(new int[] {2, 3}, new float[6]);
      assertThatThrownBy(() -> runner.run(Map.of("x", two), (name, value) -> {}))
          .isInstanceOf(RunException.class);
      assertThatCode(() -> runner.run(Map.of("x", ROW), (name, value) -> {}))
          .doesNotThrowAnyException();
    }
  }

  @Test
  void whatAConsumerThrowsComesThrough() {
    try (GraphRunner runner = open(doubling())) {
      assertThatThrownBy(
              () ->
                  runner.run(
                      Map.of("x", ROW),
                      (name, value) -> {
                        throw new IllegalStateException("enough");
                      }))
          .hasMessage("enough");
    }
  }

  @Test
  void aClosedRunnerRefusesAndMayBeClosedAgain() {
    GraphRunner runner = open(doubling());
    runner.close();

    assertThatThrownBy(() -> runner.run(Map.of("x", ROW), (name, value) -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatCode(runner::close).doesNotThrowAnyException();
  }

  private GraphRunner open(Model model) {
    List<String> outputs = model.graph().outputs().stream().map(Value::name).toList();
    return runtime.open(model, outputs, 1);
  }

  private static Model doubling() {
    Net net = Net.create();
    Value x = net.input("x", -1, 3);
    return net.returns(2, net.node("Add", "y", x, x)).model();
  }

  private Map<String, HostTensor> run(Model model, Map<String, HostTensor> inputs) {
    Map<String, HostTensor> results = new LinkedHashMap<>();
    try (GraphRunner runner = open(model)) {
      runner.run(inputs, results::put);
    }
    return results;
  }

  private void assertRefused(Map<String, HostTensor> inputs, String why) {
    try (GraphRunner runner = open(doubling())) {
      assertThatThrownBy(() -> runner.run(inputs, (name, value) -> {}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(why);
    }
  }
}
