package dev.octet.workflows.distiller.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.workflows.distiller.fixture.Stripes;
import dev.octet.workflows.distiller.stats.QuantCalibrationStatsCollector.Averages;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class QuantCalibrationStatsCollectorTest {
  @TempDir private Path folder;

  /** The network of the golden cases. */
  private static final class Net extends Module {
    private final Child<Conv2d> conv = child("conv", Conv2d.builder(1, 2, 2).build());
    private final Child<Activation> relu = child("relu", Activation.relu());
    private final Child<Linear> fc = child("fc", Linear.builder(8, 3).build());

    @Override
    protected Tensor forward(Tensor x) {
      return fc.call(Ops.flatten(relu.call(conv.call(x)), 1, -1));
    }
  }

  static Stream<Golden> collected() {
    return Golden.cases("distiller-linear", name -> name.startsWith("stats_collector"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("collected")
  void collectsWhatDistillerCollects(Golden golden) {
    try (Net net = new Net();
        Scope scope = Scope.open()) {
      Map<String, Tensor> weights = new LinkedHashMap<>();
      for (String name : List.of("conv.weight", "conv.bias", "fc.weight", "fc.bias")) {
        weights.put(name, tensor(golden.inputs().array(name)));
      }
      net.loadStateDict(weights, true);
      net.eval();
      ModelStats stats;
      try (QuantCalibrationStatsCollector collector =
          QuantCalibrationStatsCollector.of(
              net, List.of(), module -> false, Averages.AS_DISTILLER)) {
        for (int pass = 0; pass < 2; pass++) {
          for (GoldenArray batch : golden.inputs().arrays("batches")) {
            net.call(tensor(batch));
          }
          collector.startSecondPass();
        }
        stats = collector.stats();
      }
      Fields layers = golden.expected().object("stats");
      assertThat(stats.layers().keySet()).containsExactlyElementsOf(layers.names());
      for (String layer : layers.names()) {
        Fields record = layers.object(layer);
        check(stats.layers().get(layer).inputs().get(0), record.object("inputs").object("0"));
        check(stats.layers().get(layer).output(), record.object("output"));
      }
    }
  }

  private static void check(TensorStats actual, Fields expected) {
    near(actual.min(), expected.number("min"));
    near(actual.max(), expected.number("max"));
    near(actual.avgMin(), expected.number("avg_min"));
    near(actual.avgMax(), expected.number("avg_max"));
    near(actual.mean(), expected.number("mean"));
    near(actual.std(), expected.number("std"));
    near(actual.b(), expected.number("b"));
    assertThat(actual.shape()).isEqualTo(expected.text("shape"));
    assertThat(actual.totalNumel()).isEqualTo(expected.integer("total_numel"));
  }

  private static void near(double actual, double expected) {
    // Means near zero are sums of what cancels: the tolerance is of the values behind them.
    assertThat(actual).isCloseTo(expected, within(1e-6 * Math.max(0.1, Math.abs(expected))));
  }

  private static Tensor tensor(GoldenArray array) {
    return Tensors.of(array.floats(), Arrays.stream(array.shape()).asLongStream().toArray());
  }

  private static final float[][] BATCHES = {
    {1, 2, 3, 4, -5, 6, 7, 8}, {0.5f, -0.25f, 9, -1}, {2, 2, 2, 2, 3, 3, 3, 3, -8, 1, 0, 1}
  };

  /** Rows of four values through a ReLU. */
  private static void run(Module net, int... batches) {
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      for (int batch : batches) {
        net.call(Tensors.of(BATCHES[batch], BATCHES[batch].length / 4, 4));
      }
    }
  }

  private static final class OneRelu extends Module {
    private final Child<Activation> relu = child("relu", Activation.relu());
    private final Child<Activation> never = child("never", Activation.relu());

    @Override
    protected Tensor forward(Tensor x) {
      return x.dim() == 0 ? never.call(x) : relu.call(x);
    }
  }

  @Test
  void averagesOverSamplesWhateverTheirOrderOrPartition() {
    try (OneRelu net = new OneRelu()) {
      ModelStats whole =
          QuantCalibrationStatsCollector.collectQuantStats(net, () -> run(net, 0, 1, 2));
      TensorStats input = whole.layers().get("relu").inputs().get(0);
      // Minima of the six rows: 1, -5, -1, 2, 3, -8.
      assertThat(input.avgMin()).isEqualTo((float) (-8 / 6.0));
      assertThat(input.totalNumel()).isEqualTo(24);
      assertThat(input.shape()).isEqualTo("(N, 4)");
      assertThat(QuantCalibrationStatsCollector.collectQuantStats(net, () -> run(net, 2, 0, 1)))
          .isEqualTo(whole);
      try (QuantCalibrationStatsCollector first = QuantCalibrationStatsCollector.of(net)) {
        run(net, 0);
        QuantCalibrationStatsCollector second = QuantCalibrationStatsCollector.of(net);
        first.close();
        run(net, 1, 2);
        second.close();
        first.merge(second);
        TensorStats merged = first.stats().layers().get("relu").inputs().get(0);
        assertThat(merged.b()).isNaN();
        assertThat(merged.mean()).isEqualTo(input.mean());
        assertThat(merged.std()).isEqualTo(input.std());
        assertThat(merged.avgMax()).isEqualTo(input.avgMax());
      }
    }
  }

  @Test
  void tellsWhatNeverRanAndWhatIsNotThere() {
    try (OneRelu net = new OneRelu()) {
      try (QuantCalibrationStatsCollector collector = QuantCalibrationStatsCollector.of(net)) {
        run(net, 0);
        assertThat(collector.neverRun()).containsExactly("never");
        assertThat(collector.stats().layers()).containsOnlyKeys("relu");
      }
      assertThatThrownBy(
              () ->
                  QuantCalibrationStatsCollector.collectQuantStats(
                      net, () -> run(net, 0), List.of("rely")))
          .hasMessageContaining("[rely]")
          .hasMessageContaining("relu");
    }
  }

  @Test
  void countsIntoHistogramsThatCanBeKept() {
    try (OneRelu net = new OneRelu()) {
      ModelStats stats =
          QuantCalibrationStatsCollector.collectQuantStats(net, () -> run(net, 0, 1, 2));
      ModelHistograms histograms;
      try (ActivationHistogramsCollector collector =
          new ActivationHistogramsCollector(net, stats, 17)) {
        run(net, 0, 1, 2);
        histograms = collector.histograms();
      }
      ActivationHistogram input = histograms.layers().get("relu").inputs().get(0);
      assertThat(input.min()).isEqualTo(-8);
      assertThat(input.max()).isEqualTo(9);
      assertThat(input.counts().stream().mapToLong(Long::longValue).sum()).isEqualTo(24);
      assertThat(input.counts().get(0)).isEqualTo(1); // the -8
      assertThat(input.binCentroids()[0]).isEqualTo(-7.5);
      Path file = folder.resolve("histograms.yaml");
      histograms.write(file);
      assertThat(ModelHistograms.read(file)).isEqualTo(histograms);
      assertThat(histograms.layers().get("relu").output().max()).isEqualTo(9);
    }
  }

  @Test
  void sumsUpAModel() {
    try (Module net = Stripes.net(1);
        Scope scope = Scope.open()) {
      ModelSummary summary = ModelSummary.of(net, Tensors.of(new float[64], 1, 1, 8, 8));
      ModelSummary.Layer conv2 =
          summary.layers().stream()
              .filter(layer -> layer.name().equals("conv2"))
              .findFirst()
              .orElseThrow();
      assertThat(conv2.macs()).isEqualTo(16L * 4 * 4 * 8 * 9);
      assertThat(conv2.output()).containsExactly(1L, 16L, 4L, 4L);
      assertThat(conv2.parameters()).isEqualTo(16 * 8 * 9);
      assertThat(summary.totalParameters()).isEqualTo(72 + 16 + 1152 + 32 + 2304 + 32 + 64 + 4);
      assertThat(summary.totalBytes()).isEqualTo(4 * summary.totalParameters());
      assertThat(summary.totalMacs())
          .isEqualTo(64L * 8 * 9 + 16L * 16 * 8 * 9 + 16L * 16 * 16 * 9 + 64);
      // Fresh shifts of normalization are zero.
      assertThat(summary.sparsity()).isCloseTo(40.0 / summary.totalParameters(), within(1e-12));
      assertThat(summary.computeTable()).contains("conv2  Conv2d");
      assertThat(summary.sparsityTable()).contains("bn1.bias").contains("100.00");
      assertThat(net.isTraining()).isTrue();
    }
  }
}
