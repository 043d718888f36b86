package dev.octet.quantize.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.ValueType.TensorType;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.fixture.Net;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class ExampleInputsTest {
  @Test
  void openSizesOfImagesAreThreeChannelsOf224() {
    Net net = Net.create();
    net.input("image", -1, -1, -1, -1);

    assertThat(shapes(net, Map.of(), 2).get("image")).containsExactly(2, 3, 224, 224);
  }

  @Test
  void fixedSizesStay() {
    Net net = Net.create();
    net.input("image", 1, 1, 28, -1);

    assertThat(shapes(net, Map.of(), 4).get("image")).containsExactly(1, 1, 28, 224);
  }

  @Test
  void sizesOfOneNameAreOneSize() {
    Graph graph = new Graph("texts");
    for (String name : List.of("ids", "mask")) {
      graph.addInput(
          graph.addValue(
              name,
              new TensorType(
                  DataType.INT64,
                  List.of(new Dimension.Symbolic("batch"), new Dimension.Symbolic("length")))));
    }
    graph.addInput(
        graph.addValue(
            "square",
            new TensorType(
                DataType.FLOAT,
                List.of(
                    new Dimension.Symbolic("batch"),
                    new Dimension.Symbolic("length"),
                    new Dimension.Symbolic("batch")))));
    Map<String, int[]> shapes = ExampleInputs.shapes(graph, Map.of(), 3, OptionalInt.of(9));

    assertThat(shapes.get("ids")).containsExactly(3, 9);
    assertThat(shapes.get("mask")).containsExactly(3, 9);
    assertThat(shapes.get("square")).containsExactly(3, 9, 3);
  }

  @Test
  void aGivenShapeWinsAndTakesTheBatchWhereItSaysSo() {
    Net net = Net.create();
    net.input("x", -1, -1, 8);
    List<Long> given = List.of(ModelInput.DYNAMIC, 5L, 8L);

    assertThat(shapes(net, Map.of("x", given, "other", given), 6).get("x"))
        .containsExactly(6, 5, 8);
  }

  @Test
  void aGivenShapeThatDoesNotFitIsRefused() {
    Net net = Net.create();
    net.input("x", -1, 8);

    assertThatThrownBy(() -> shapes(net, Map.of("x", List.of(1L, 9L)), 1))
        .isInstanceOf(DataException.class)
        .hasMessage("model input 'x' is declared with the sizes [n, 8], which [1, 9] does not fit");
  }

  @Test
  void wideIntegersAreZeroOrOneAsTheyMayBeIndices() {
    Net net = Net.create();
    net.input("ids", DataType.INT64, 2, 50);
    Map<String, int[]> shapes = shapes(net, Map.of(), 2);
    HostTensor ids = ExampleInputs.random(net.graph(), shapes).get("ids");

    assertThat(ids.longs()).containsOnly(0, 1).hasSize(100);
    assertThat(ExampleInputs.random(net.graph(), shapes).get("ids")).isEqualTo(ids);
  }

  @Test
  void absurdShapesAreRefusedBeforeMemoryIsTaken() {
    Net net = Net.create();
    net.input("x", -1, -1);
    List<Long> huge = List.of(999_999_999L, 999_999_999L);
    Map<String, int[]> shapes = shapes(net, Map.of("x", huge), 1);

    assertThatThrownBy(() -> ExampleInputs.random(net.graph(), shapes))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("too large");
  }

  private static Map<String, int[]> shapes(Net net, Map<String, List<Long>> given, int batch) {
    return ExampleInputs.shapes(net.graph(), given, batch, OptionalInt.empty());
  }
}
