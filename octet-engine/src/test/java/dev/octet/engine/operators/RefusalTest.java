package dev.octet.engine.operators;

import static dev.octet.graph.DataType.BOOL;
import static dev.octet.graph.DataType.INT32;
import static dev.octet.graph.DataType.INT64;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.engine.Engine;
import dev.octet.engine.EngineOptions;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.engine.reference.ModelBuilder;
import dev.octet.graph.Tensor;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What cannot be computed is a clear exception that names the node. */
class RefusalTest {

  /**
   * A model that cannot run, and what the message must say.
   *
   * @param atLoad whether loading it fails already
   */
  record Case(String name, String reason, boolean atLoad, Consumer<ModelBuilder> body) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Case load(String name, String reason, Consumer<ModelBuilder> body) {
    return new Case(name, reason, true, body);
  }

  private static Case run(String name, String reason, Consumer<ModelBuilder> body) {
    return new Case(name, reason, false, body);
  }

  static Stream<Case> cases() {
    return Stream.of(
        load("NonZero", "depends on the data", net -> net.node("NonZero", net.input(3, 4))),
        load(
            "Compress",
            "depends on the data",
            net -> net.node("Compress", net.input(4), net.input(net.whole(BOOL, 0, 1, 4)))),
        load("RandomNormalLike", "random", net -> net.node("RandomNormalLike", net.input(3, 4))),
        load("unknown", "no code", net -> net.node("NotAnOperator", net.input(3, 4))),
        run(
            "shapes that do not broadcast",
            "do not broadcast",
            net -> net.node("Less", net.input(3, 4), net.input(3))),
        run(
            "matrices that do not fit",
            "do not fit",
            net -> net.node("MatMul", net.input(3, 4), net.input(3, 4))),
        run(
            "a perm that orders nothing",
            "does not order",
            net -> net.node("Transpose", Map.of("perm", new long[] {0, 0}), net.input(3, 4))),
        run(
            "axes that are no integers",
            "of FLOAT",
            net ->
                net.node(
                    "ReduceMean",
                    net.input(2, 3, 4, 4),
                    net.constant(Tensor.ofFloats(new float[] {2, 3}, 2)))),
        run(
            "an axis that is not there",
            "axis 5",
            net -> net.node("Softmax", Map.of("axis", 5), net.input(3, 4))),
        run(
            "a convolution of nothing",
            "has no elements",
            net ->
                net.node(
                    "Conv",
                    net.node("Slice", net.input(3, 4, 5), net.longs(2), net.longs(2)),
                    net.weight(1, 2, 4, 3))),
        run(
            "a shape that is data",
            "computed from data",
            net -> net.node("Expand", net.input(1, 4), net.input(net.whole(INT64, 2, 2, 2)))),
        run(
            "parts that do not make up the whole",
            "do not make up",
            net -> net.nodes("Split", 2, Map.of(), net.input(5, 4), net.longs(2, 2))),
        run(
            "an index that is not there",
            "index 9",
            net ->
                net.node("Gather", net.input(5, 4), net.input(Tensor.ofLongs(new long[] {9}, 1)))),
        run(
            "an index of a scatter that is not there",
            "index -6",
            net ->
                net.node(
                    "ScatterElements",
                    net.input(5),
                    net.input(Tensor.ofLongs(new long[] {-6}, 1)),
                    net.input(1))),
        run(
            "a division by zero",
            "by zero",
            net ->
                net.node(
                    "Div",
                    net.input(net.whole(INT32, 1, 9, 4)),
                    net.input(net.whole(INT32, 0, 0, 4)))),
        run(
            "more elements than there are",
            "k is 9",
            net -> net.nodes("TopK", 2, Map.of(), net.input(5), net.longs(9))),
        run(
            "too large a result",
            "GiB",
            net -> net.node("Expand", net.input(1), net.longs(1 << 20, 1 << 20))),
        run(
            "operands of two types",
            "INT32",
            net -> net.node("Less", net.input(3), net.input(net.whole(INT32, 0, 1, 3)))),
        run(
            "reals where bits are wanted",
            "not defined for FLOAT",
            net -> net.node("BitwiseAnd", net.input(3), net.input(3))),
        run(
            "updates of another shape",
            "updates",
            net ->
                net.node(
                    "ScatterND",
                    net.input(4, 3),
                    net.constant(Tensor.ofLongs(new long[] {1}, 1, 1)),
                    net.input(1, 2))),
        run(
            "padding by too few numbers",
            "pads",
            net -> net.node("Pad", net.input(4, 3), net.longs(1, 2))),
        run(
            "a size of zero",
            "a size is 0",
            net -> net.node("Resize", net.input(1, 1, 2, 2), null, null, net.longs(1, 1, 0, 2))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void namesNodeAndReason(Case it) {
    ModelBuilder net = new ModelBuilder(18, 1);
    it.body().accept(net);
    var model = net.model();
    String op = model.graph().nodes().get(model.graph().nodes().size() - 1).op();
    if (it.atLoad()) {
      assertThatThrownBy(() -> Engine.load(model, EngineOptions.defaults()))
          .isInstanceOf(UnsupportedNodeException.class)
          .hasMessageContaining("/node'")
          .hasMessageContaining(op)
          .hasMessageContaining(it.reason());
      return;
    }
    try (Engine engine = Engine.load(model, EngineOptions.defaults())) {
      assertThatThrownBy(() -> engine.run(net.feeds()))
          .isInstanceOf(RuntimeException.class)
          .isNotInstanceOfAny(IllegalStateException.class, IndexOutOfBoundsException.class)
          .hasMessageContaining("/node'")
          .hasMessageContaining(it.reason());
    }
  }

  /** A run that failed leaves the engine as it was. */
  @Test
  void goesOnAfterAnIndexThatWasNotThere() {
    ModelBuilder net = new ModelBuilder(18, 1);
    var data = net.input(5, 4);
    var places = net.input(Tensor.ofLongs(new long[] {9}, 1));
    net.node("Gather", data, places);
    try (Engine engine = Engine.load(net.model(), EngineOptions.defaults())) {
      assertThatThrownBy(() -> engine.run(net.feeds()))
          .isInstanceOf(IllegalArgumentException.class);
      Tensor there = Tensor.ofLongs(new long[] {-1}, 1);
      Tensor table = net.feeds().get(data.name());
      var made =
          engine.run(
              Map.of(data.name(), java.util.Objects.requireNonNull(table), places.name(), there));
      List<Tensor> rows = List.copyOf(made.values());
      float[] all = table.toFloats();
      org.assertj.core.api.Assertions.assertThat(rows.get(0).toFloats())
          .containsExactly(all[16], all[17], all[18], all[19]);
    }
  }
}
