package dev.octet.workflows.pytorch.fx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.workflows.pytorch.Backend;
import dev.octet.workflows.pytorch.QConfigMapping;
import dev.octet.workflows.pytorch.QConfigs;
import dev.octet.workflows.pytorch.fx.Finding.Suggestion;
import dev.octet.workflows.pytorch.observer.ReadyMade;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ModelReportTest {
  /** A convolution, and two linear layers over its channels. */
  private static final class Net extends Module {
    private final Child<Conv2d> conv = child("conv", Conv2d.builder(3, 6, 1).build());
    private final Child<Linear> fc1 = child("fc1", Linear.builder(6, 5).build());
    private final Child<Linear> fc2 = child("fc2", Linear.builder(5, 4).build());

    @Override
    protected Tensor forward(Tensor x) {
      return fc2.call(Ops.relu(fc1.call(Ops.mean(conv.call(x), 2, 3))));
    }
  }

  private static GraphModule prepared(FxConfig config) {
    Torch.seed(4);
    try (Net net = new Net()) {
      net.eval();
      return QuantizeFx.prepareFx(net, config, torch.randn(2, 3, 4, 4));
    }
  }

  private static FxConfig perTensor() {
    return FxConfig.of(new QConfigMapping().setGlobal(QConfigs.DEFAULT_QCONFIG))
        .backend(BackendConfig.forBackend("x86"));
  }

  private static Finding at(List<Finding> findings, String layer) {
    return findings.stream()
        .filter(each -> each.layer().startsWith(layer))
        .findFirst()
        .orElseThrow(() -> new AssertionError("nothing about " + layer + " in " + findings));
  }

  @Test
  void theObserverCountsByBatchAndChannel() {
    try (Scope scope = Scope.open()) {
      ModelReportObserver observer = new ModelReportObserver(1, 0.5);
      assertThatThrownBy(observer::getBatchToEpochRatio)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no batch");
      observer.observe(Tensors.of(new float[] {1, 5, 2, 5, 4, 5, 8, 5, 0, 5}, 5, 2));
      observer.observe(Tensors.of(new float[] {-1, 5, -2, 6, -4, 5}, 3, 2));
      observer.observe(Tensors.of(new float[0], 0, 2));
      assertThat(observer.numBatchesTracked()).isEqualTo(2);
      assertThat(observer.minVal()).containsExactly(-4, 5);
      assertThat(observer.maxVal()).containsExactly(8, 6);
      assertThat(observer.constantChannels()).containsExactly(0, 1);
      // The third of five and the second of three values: 8 / 2 and -1 / -2, 5 / 5 and 6 / 5.
      assertThat(observer.averagePercentileRatio()[0]).isEqualTo((4 + 0.5) / 2);
      assertThat(observer.averagePercentileRatio()[1]).isCloseTo(1.1, within(1e-7));
      assertThat(observer.averageBatchActivationRange()).isEqualTo((8 + 10) / 2.0);
      assertThat(observer.getBatchToEpochRatio()).isEqualTo(9 / 12.0);
      assertThatThrownBy(() -> observer.observe(Tensors.of(new float[] {1, Float.NaN}, 1, 2)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("channel 1");
      assertThatThrownBy(() -> observer.observe(Tensors.of(new float[] {1, 2, 3}, 1, 3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("batches before had 2");
      observer.resetBatchAndEpochValues();
      assertThat(observer.numBatchesTracked()).isZero();
    }
  }

  /** Batches whose sizes differ a hundredfold. */
  @ParameterizedTest
  @ValueSource(doubles = {1, 100})
  void recommendsDynamicQuantizationWhereBatchesDiffer(double factor) {
    try (GraphModule prepared = prepared(perTensor());
        Scope scope = Scope.open()) {
      ModelReport report = new ModelReport(prepared, new DynamicStaticDetector());
      for (int i = 0; i < 6; i++) {
        report.calibrate(torch.randn(64, 3, 4, 4).mul(new Scalar(i == 0 ? factor : 1.0)));
      }
      boolean dynamic = factor > 1;
      List<Finding> findings = report.generateModelReport();
      assertThat(findings).extracting(Finding::module).containsExactly("fc1", "fc2");
      for (Finding each : findings) {
        assertThat(each.feature("dynamic_recommended", Boolean.class)).isEqualTo(dynamic);
        assertThat(each.feature("post_observer_comp_stat", Double.class)).isBetween(0.0, 1.0);
        assertThat(each.suggestions())
            .containsExactly(dynamic ? Suggestion.DYNAMIC : Suggestion.STATIC);
      }
      QConfigMapping better = report.generateQConfigMapping();
      try (GraphModule next =
          prepared(FxConfig.of(better).backend(BackendConfig.forBackend("x86")))) {
        assertThat(Fixtures.op(next.report(), "fc1/Gemm").mode())
            .isEqualTo(dynamic ? Mode.DYNAMIC : Mode.STATIC);
        assertThat(Fixtures.op(next.report(), "conv/Conv").mode()).isEqualTo(Mode.STATIC);
      }
    }
  }

  @Test
  void recommendsRangesForChannelsWhereThereIsOneForAll() {
    try (GraphModule prepared = prepared(perTensor());
        Scope scope = Scope.open()) {
      ModelReport report = new ModelReport(prepared, new PerChannelDetector("x86"));
      report.calibrate(torch.randn(4, 3, 4, 4));
      assertThat(report.generateModelReport())
          .hasSize(3)
          .allSatisfy(each -> assertThat(each.suggestions()).contains(Suggestion.PER_CHANNEL));
      QConfigMapping better = report.generateQConfigMapping();
      assertThat(better.resolve("fc2", "Linear").weight())
          .isSameAs(ReadyMade.DEFAULT_PER_CHANNEL_WEIGHT_OBSERVER);
      assertThat(better.resolve("fc2", "Linear").activation())
          .isSameAs(QConfigs.DEFAULT_QCONFIG.activation());
      try (GraphModule next =
          prepared(FxConfig.of(better).backend(BackendConfig.forBackend("x86")))) {
        ModelReport again = new ModelReport(next, new PerChannelDetector("x86"));
        again.calibrate(torch.randn(4, 3, 4, 4));
        assertThat(again.generateModelReport())
            .hasSize(3)
            .allSatisfy(each -> assertThat(each.suggestions()).isEmpty());
        assertThat(again.toString()).contains("nothing to be done");
      }
    }
  }

  /** An imported graph of one layer, inputs of very different size and weights that make up. */
  @Test
  void recommendsEqualizationWhereItHelps() {
    double[] plain = equalized(new float[] {1, 1, 1, 1}, new float[] {1, 1, 1, 1});
    assertThat(plain[0]).isZero();
    double[] uneven = equalized(new float[] {100, 1, 1, 1}, new float[] {0.01f, 1, 1, 1});
    assertThat(uneven[0]).isPositive();
    assertThat(uneven[2]).isGreaterThan(uneven[1] + 6);
    // All alike in proportion: the factors are the same for all channels, and change nothing.
    double[] alike = equalized(new float[] {10, 1, 1, 1}, new float[] {10, 1, 1, 1});
    assertThat(alike[0]).isZero();
  }

  /** How many channels are recommended, and the SQNR in decibels before and after. */
  private static double[] equalized(float[] inputs, float[] weights) {
    Fixtures.Net net =
        Fixtures.net().input("x", -1, 4).weight("w", 4, 8).node("fc", "MatMul", "y", "x,w");
    dev.octet.graph.Model model = net.returns("y");
    float[] values = new float[32];
    for (int i = 0; i < 32; i++) {
      // Each channel has the whole range.
      values[i] = weights[i / 8] * (i % 8 == 0 ? -1 : i % 8 == 1 ? 1 : (i % 8 - 4) / 5f);
    }
    model
        .graph()
        .setInitializer(model.graph().value("w"), dev.octet.graph.Tensor.ofFloats(values, 4, 8));
    Torch.seed(8);
    try (Scope scope = Scope.open();
        GraphModule prepared = QuantizeFx.prepareFx(model, perTensor())) {
      ModelReport report = new ModelReport(prepared, new InputWeightEqualizationDetector(0.5));
      Tensor x = torch.rand(256, 4).sub(new Scalar(0.5), new Scalar(1)).mul(Tensors.of(inputs, 4));
      report.calibrate(x);
      Finding finding = at(report.generateModelReport(), "fc");
      long count =
          finding.channels("input_weight_equalization_recommended").stream()
              .filter(Boolean.TRUE::equals)
              .count();
      assertThat(finding.suggestions().contains(Suggestion.EQUALIZE)).isEqualTo(count > 0);
      float[] exact;
      try (Module exactNet = QuantizeFx.fuseFx(model)) {
        exact = Fixtures.values(exactNet, x);
      }
      double before = sqnr(exact, model, new EqualizationMapping(), x);
      double after = sqnr(exact, model, report.generateEqualizationMapping(), x);
      return new double[] {count, before, after};
    }
  }

  private static double sqnr(
      float[] exact, dev.octet.graph.Model model, EqualizationMapping layers, Tensor x) {
    try (GraphModule prepared = QuantizeFx.prepareFx(model, perTensor().equalization(layers))) {
      Fixtures.calibrate(prepared, x);
      try (ConvertedModule converted = QuantizeFx.convertFx(prepared)) {
        return Fixtures.sqnr(exact, Fixtures.values(converted, x));
      }
    }
  }

  @Test
  void findsOutliersByChannel() {
    try (GraphModule prepared = prepared(perTensor());
        Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      ModelReport report =
          new ModelReport(prepared, new OutlierDetector(), new PerChannelDetector("fbgemm"));
      for (int i = 0; i < 3; i++) {
        Tensor x = torch.rand(64, 3, 4, 4).add(new Scalar(1.0));
        x.select(1, 2).select(0, 0).select(0, 0).select(0, 0).fill_(new Scalar(90.0));
        report.calibrate(x);
      }
      Finding found = at(report.generateModelReport(), "conv");
      assertThat(new ArrayList<Object>(found.channels("outliers_detected")))
          .containsExactly(false, false, true);
      assertThat(found.advice()).contains("channels [2]");
      assertThat(new ArrayList<Object>(found.channels("outlier_detection_batches_used")))
          .containsExactly(3, 3, 3);

      ModelReportVisualizer tables = report.generateVisualizer();
      assertThat(tables.uniqueModules()).contains("conv/Conv", "fc1/Gemm");
      assertThat(tables.uniqueFeatureNames())
          .contains("outliers_detected", "per_channel_quantization_used");
      String channels = tables.channelTable("outliers", "conv");
      assertThat(channels.lines()).hasSize(4);
      assertThat(channels).contains("outliers_detected").doesNotContain("fc1");
      assertThat(tables.tensorTable("per_channel_quantization", "fc").lines()).hasSize(3);
      assertThat(tables.tensorTable("no such feature", "")).isEmpty();
      assertThat(report.toString()).contains("outlier_detector", "observe its weights per channel");
    }
  }

  /** Channels of sequences lie along the last axis, whatever their length. */
  @Test
  void looksAtSequencesOfAnyLength() {
    Torch.seed(6);
    try (Fixtures.Transformer net = new Fixtures.Transformer();
        Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      net.eval();
      try (GraphModule prepared = QuantizeFx.prepareFx(net, perTensor(), torch.randn(2, 5, 16))) {
        ModelReport report =
            new ModelReport(
                prepared, new OutlierDetector(), new InputWeightEqualizationDetector(0.5));
        report.calibrate(torch.randn(4, 5, 16));
        report.calibrate(torch.randn(3, 5, 16));
        List<Finding> findings = report.generateModelReport();
        assertThat(findings)
            .filteredOn(each -> each.layer().contains("linear1"))
            .hasSizeGreaterThanOrEqualTo(2)
            .allSatisfy(
                each ->
                    assertThat(
                            each.channels(
                                each.detector().equals("outlier_detector")
                                    ? "outliers_detected"
                                    : "input_weight_channel_comparison_metrics"))
                        .hasSize(16));
      }
    }
  }

  @Test
  void refusesWhatGivesNoReport() {
    try (GraphModule prepared = prepared(perTensor());
        Scope scope = Scope.open()) {
      assertThatThrownBy(() -> new ModelReport(prepared))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("needs detectors");
      assertThatThrownBy(
              () -> new ModelReport(prepared, new OutlierDetector(), new OutlierDetector()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("each once");
      ModelReport report = new ModelReport(prepared, new DynamicStaticDetector());
      assertThatThrownBy(report::generateModelReport)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("calibrate it first");
      assertThatThrownBy(
              () -> report.calibrate(torch.full(new long[] {1, 3, 4, 4}, new Scalar(Float.NaN))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("NaN");
    }
    assertThatThrownBy(() -> new InputWeightEqualizationDetector(1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("below 1");
    assertThatThrownBy(() -> new PerChannelDetector("cuda"))
        .isInstanceOf(IllegalArgumentException.class);
    try (Fixtures.Cnn net = Fixtures.cnn()) {
      net.train(true);
      try (GraphModule training =
          QuantizeFx.prepareQatFx(net, FxConfig.qat(Backend.X86), Fixtures.images(2))) {
        assertThatThrownBy(() -> new ModelReport(training, new OutlierDetector()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("prepared for training");
      }
    }
  }
}
