package dev.octet.workflows.distiller.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.train.Score;
import dev.octet.workflows.distiller.fixture.Stripes;
import dev.octet.workflows.distiller.prune.SparsitySensitivity.Group;
import dev.octet.workflows.distiller.stats.ModelSummary;
import dev.octet.workflows.distiller.stats.RecordsActivationStatsCollector;
import dev.octet.workflows.distiller.stats.SummaryActivationStatsCollector;
import dev.octet.workflows.distiller.stats.SummaryActivationStatsCollector.Statistic;
import java.util.List;
import java.util.function.Function;
import org.assertj.core.data.Offset;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

final class SensitivityAndSvdTest {
  private static final Offset<Double> CLOSE = within(1e-6);

  @Test
  void judgesEachParameterAtEachLevelAndLeavesTheModelAsItWas() {
    try (Module net = Stripes.net(1)) {
      float[] before = Tensors.toFloats(net.parameters().get("conv2.weight"));
      Function<Module, Score> judge =
          model -> {
            long zeros = 0;
            for (Tensor each : model.parameters().values()) {
              for (float value : Tensors.toFloats(each)) {
                zeros += value == 0 ? 1 : 0;
              }
            }
            return new Score(1, zeros, 0.5);
          };
      SparsitySensitivity elements =
          SparsitySensitivity.analyse(
              net, List.of("conv2.weight", "fc.weight"), List.of(0.25, 0.5), Group.ELEMENT, judge);
      assertThat(elements.rows())
          .extracting(SparsitySensitivity.Row::parameter)
          .containsExactly("conv2.weight", "conv2.weight", "fc.weight", "fc.weight");
      // BatchNorm starts with 40 shifts of zero.
      assertThat(elements.rows().get(1).score().loss()).isEqualTo(40 + 576);
      assertThat(elements.toCsv())
          .startsWith("parameter,sparsity,top1,loss\nconv2.weight,0.25,50.0000,328.000000\n");
      assertThat(elements.toString()).contains("parameter     sparsity %  top-1 %");
      SparsitySensitivity filters =
          SparsitySensitivity.analyse(net, List.of(), List.of(0.5), Group.FILTER, judge);
      assertThat(filters.rows()).hasSize(4);
      assertThat(filters.rows().get(2).score().loss()).isEqualTo(40 + 8 * 144);
      assertThat(Tensors.toFloats(net.parameters().get("conv2.weight"))).containsExactly(before);
      assertThatThrownBy(
              () ->
                  SparsitySensitivity.analyse(
                      net, List.of("x"), List.of(0.5), Group.CHANNEL, judge))
          .hasMessageContaining("no parameter 'x'");
    }
  }

  @Test
  void splitsALayerByItsLargestSingularValues() {
    try (Scope scope = Scope.open();
        Module net = new Sequential(Linear.builder(6, 4).build())) {
      Tensor x = Tensors.of(new float[] {1, -2, 3, 0.5f, 4, -1, 0, 2, -3, 1, 1, 5}, 2, 6);
      float[] before = Tensors.toFloats(net.call(x));
      assertThat(TruncatedSvd.breakEven((Linear) net.get("0"))).isEqualTo(2);
      assertThat(TruncatedSvd.replace(net, "0", 4)).isCloseTo(0, within(1e-6));
      assertThat(Tensors.toFloats(net.call(x))).containsExactly(before, within(1e-5f));
      assertThat(net.parameters().keySet()).containsExactly("0.0.weight", "0.1.weight", "0.1.bias");
      assertThatThrownBy(() -> TruncatedSvd.replace(net, "0", 1))
          .hasMessageContaining("only a plain Linear is split");
      assertThatThrownBy(() -> TruncatedSvd.replace(net, "0.0", 5))
          .hasMessage("rank 5 of '0.0' is not from 1 to 4");
      double lost = TruncatedSvd.replace(net, "0.0", 2);
      assertThat(lost).isBetween(0.05, 0.95);
    }
  }

  @Test
  void summarizesChannelsOverAllSamples() {
    try (Scope scope = Scope.open();
        Module net = new Sequential(Activation.relu());
        SummaryActivationStatsCollector zeros =
            new SummaryActivationStatsCollector(net, List.of(), Statistic.APOZ_CHANNELS);
        SummaryActivationStatsCollector means =
            new SummaryActivationStatsCollector(net, List.of("0"), Statistic.MEAN_CHANNELS);
        SummaryActivationStatsCollector all =
            new SummaryActivationStatsCollector(net, List.of("0"), Statistic.SPARSITY)) {
      net.call(Tensors.of(new float[] {1, -1, 2, 4, -3, -5, 6, 8}, 2, 2, 2));
      net.call(Tensors.of(new float[] {-1, -2, 0, 3}, 1, 2, 2));
      assertThat(zeros.values().get("0")).containsExactly(new double[] {5 / 6.0, 1 / 6.0}, CLOSE);
      assertThat(means.values().get("0")).containsExactly(new double[] {1 / 6.0, 23 / 6.0}, CLOSE);
      assertThat(all.values().get("0")).containsExactly(new double[] {0.5}, CLOSE);
      assertThatThrownBy(() -> net.call(Tensors.of(new float[3], 1, 3, 1)))
          .hasMessageContaining("'0' had 2 channels, and now has 3");
    }
  }

  @Test
  void recordsSamplesAndSummarizesStructures() {
    try (Scope scope = Scope.open();
        Module net = Stripes.net(1);
        ZerosMaskDict masks = new ZerosMaskDict(net);
        RecordsActivationStatsCollector collector =
            new RecordsActivationStatsCollector(net, List.of("fc"))) {
      net.eval();
      Tensor images = Tensors.of(new float[3 * 64], 3, 1, 8, 8);
      float[] scores = Tensors.toFloats(net.call(images));
      RecordsActivationStatsCollector.Sample first = collector.records().get("fc").get(0);
      assertThat(collector.records().get("fc")).hasSize(3);
      double squares = 0;
      for (int i = 0; i < 4; i++) {
        assertThat((double) scores[i]).isBetween(first.min(), first.max());
        squares += scores[i] * scores[i];
      }
      assertThat(first.l2()).isCloseTo(Math.sqrt(squares), within(1e-5));
      assertThat(collector.toCsv())
          .startsWith("layer,sample,min,max,mean,std,l2\nfc,0,")
          .hasLineCount(4);
      boolean[] kept = new boolean[64];
      for (int i = 0; i < 64; i++) {
        kept[i] = i >= 16 && i % 16 > 3;
      }
      masks.setMask("fc.weight", kept);
      ModelSummary summary = ModelSummary.of(net, images);
      ModelSummary.Parameter fc =
          summary.parameters().stream()
              .filter(each -> each.name().equals("fc.weight"))
              .findFirst()
              .orElseThrow();
      assertThat(fc.zeroFilters()).isEqualTo(0.25);
      assertThat(fc.zeroChannels()).isEqualTo(0.25);
      assertThat(fc.zeroKernels()).isEqualTo(fc.sparsity()).isEqualTo(1 - 36 / 64.0);
      assertThat(summary.sparsityTable()).contains("filters %  channels %  kernels %");
    }
  }
}
