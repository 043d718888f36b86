package dev.octet.workflows.pytorch.fx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.torch.graph.TorchGraph;
import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.QConfig;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.observer.MinMaxObserver;
import dev.octet.workflows.pytorch.observer.ObserverSettings;
import dev.octet.workflows.pytorch.observer.QScheme;
import dev.octet.workflows.pytorch.observer.QuantDtype;
import dev.octet.workflows.pytorch.observer.ReadyMade;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

final class NumericSuiteTest {
  private static final List<org.bytedeco.pytorch.Tensor[]> BATCHES =
      List.of(
          new org.bytedeco.pytorch.Tensor[] {Fixtures.images(8)},
          new org.bytedeco.pytorch.Tensor[] {Fixtures.images(8)});

  private record Pair(Model exact, Model rounded) {}

  private static Pair pair() {
    try (Fixtures.Cnn net = Fixtures.cnn();
        TorchGraph fused = QuantizeFx.fuseFx(net, Fixtures.images(2));
        GraphModule prepared =
            QuantizeFx.prepareFx(net, FxConfig.of(Backend.ONEDNN), Fixtures.images(2))) {
      Fixtures.calibrate(prepared, Fixtures.images(32));
      try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
        return new Pair(fused.toModel(), converted.model());
      }
    }
  }

  /** Weights of half the size in one layer. */
  private static void damage(Model model, String label) {
    Node layer =
        model.graph().nodes().stream()
            .filter(node -> node.label().equals(label))
            .findFirst()
            .orElseThrow();
    Node dequantize = layer.input(1).producer();
    Tensor scale = dequantize.input(1).constant();
    float[] halves = scale.toFloats();
    for (int i = 0; i < halves.length; i++) {
      halves[i] /= 2;
    }
    model.graph().setInitializer(dequantize.input(1), Tensor.ofFloats(halves, scale.shape()));
  }

  private static LayerDifference worst(List<LayerDifference> found) {
    return found.stream().min(Comparator.comparing(LayerDifference::sqnr)).orElseThrow();
  }

  @Test
  void findsTheLayerThatWasDamaged() {
    Pair pair = pair();
    assertThat(NumericSuite.compareWeights(pair.exact(), pair.rounded()))
        .hasSize(4)
        .allMatch(layer -> layer.sqnr() > 35 && layer.cosine() > 0.999);
    damage(pair.rounded(), "block.conv/Conv");
    LayerDifference weights = worst(NumericSuite.compareWeights(pair.exact(), pair.rounded()));
    assertThat(weights.name()).isEqualTo("block.conv/Conv");
    assertThat(weights.sqnr()).isCloseTo(6.02, within(0.2));
    assertThat(weights.normalizedL2()).isCloseTo(0.5, within(0.02));
    assertThat(weights.cosine()).isGreaterThan(0.999);
    List<LayerDifference> shadows =
        NumericSuite.compareShadows(pair.exact(), pair.rounded(), BATCHES);
    assertThat(worst(shadows).name()).isEqualTo("block.conv/Conv");
    // On the float model's own inputs nobody else suffers.
    assertThat(shadows)
        .filteredOn(layer -> !layer.name().equals("block.conv/Conv"))
        .isNotEmpty()
        .allMatch(layer -> layer.sqnr() > 20);
    List<LayerDifference> outputs =
        NumericSuite.compareActivations(pair.exact(), pair.rounded(), BATCHES);
    assertThat(outputs)
        .filteredOn(layer -> layer.name().startsWith("block.conv"))
        .allMatch(layer -> layer.sqnr() < 10);
    assertThat(outputs)
        .filteredOn(layer -> layer.name().startsWith("conv1"))
        .isNotEmpty()
        .allMatch(layer -> layer.sqnr() > 25);
    assertThat(NumericSuite.table(shadows).lines().findFirst().orElseThrow())
        .contains("block.conv/Conv");
  }

  @Test
  void comparesSeveralQConfigsLayerByLayer() {
    QConfig coarse =
        new QConfig(
            () ->
                new MinMaxObserver(
                    ObserverSettings.builder().dtype(QuantDtype.QUINT8).range(0, 15).build()),
            () ->
                new MinMaxObserver(
                    ObserverSettings.builder()
                        .dtype(QuantDtype.QINT8)
                        .qscheme(QScheme.PER_TENSOR_SYMMETRIC)
                        .range(-7, 7)
                        .build()));
    QConfig fine =
        new QConfig(
            ReadyMade.FULL_HISTOGRAM_OBSERVER, ReadyMade.DEFAULT_PER_CHANNEL_WEIGHT_OBSERVER);
    List<ShadowResult> results =
        NumericSuite.nShadows(
            pair().exact(),
            BackendConfig.forBackend("x86"),
            List.of(
                new QConfigMapping().setGlobal(fine),
                new QConfigMapping().setGlobal(coarse),
                new QConfigMapping()),
            BATCHES,
            BATCHES);
    for (String layer : new String[] {"conv1/Conv", "block.conv/Conv", "branch/Conv", "fc/Gemm"}) {
      double[] sqnr =
          results.stream()
              .filter(result -> result.name().equals(layer))
              .sorted(Comparator.comparing(ShadowResult::candidate))
              .mapToDouble(result -> result.difference().sqnr())
              .toArray();
      assertThat(sqnr).hasSize(3);
      assertThat(sqnr[0]).isGreaterThan(25).isGreaterThan(sqnr[1] + 10);
      assertThat(sqnr[2]).isInfinite();
    }
    assertThat(results)
        .filteredOn(result -> result.candidate() == 2)
        .allMatch(result -> result.mode() == Mode.FLOAT && !result.reason().isEmpty());
  }
}
