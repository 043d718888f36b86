package dev.octet.workflows.pytorch.experimental;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.WeightRanges;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.quant.FakeQuantizer;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.flow.Calibration;
import dev.octet.torch.quant.nn.QuantConv2d;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class AdaRoundTest {
  private static final AdaRound.Settings SHORT =
      AdaRound.Settings.DEFAULT.iterations(400).learningRate(0.02);

  static Stream<Golden> cases() {
    return Golden.cases("ptq-algorithms", name -> name.startsWith("adaround_soft"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void agreesWithTheFormulas(Golden golden) {
    Fields params = golden.params();
    try (Scope scope = Scope.open()) {
      double[] values = golden.inputs().array("w").doubles();
      Tensor w = Tensors.of(values, values.length);
      Tensor v = Tensors.of(golden.inputs().array("v").doubles(), values.length);
      v.set_requires_grad(true);
      // In float64, where a scale of float32 would show.
      Tensor step = Tensors.of(new double[] {params.real("scale")}, 1);
      AdaRound.Grid grid =
          new AdaRound.Grid(
              step, Tensors.scalar(0), params.integer("qmin"), params.integer("qmax"));
      Tensor h = AdaRound.soft(v);
      assertClose(h, golden, "h");
      assertClose(grid.rounded(w, h), golden, "soft_weight");
      Tensor up = h.ge(new Scalar(0.5)).to(ScalarType.Double);
      assertClose(grid.rounded(w, up), golden, "hard_weight");
      assertClose(grid.initial(w), golden, "initial_v");
      Tensor penalty = AdaRound.regularization(h, params.real("beta"), params.real("lambda"));
      assertThat(penalty.item_double())
          .isCloseTo(golden.expected().real("regulariser"), within(1e-9));
      h.sum().backward();
      assertClose(v.grad(), golden, "grad_h_of_v");
    }
  }

  private static void assertClose(Tensor actual, Golden golden, String name) {
    double[] wanted = golden.expected().array(name).doubles();
    float[] made = Tensors.toFloats(actual.detach().to(ScalarType.Float));
    assertThat(made).hasSameSizeAs(wanted);
    for (int i = 0; i < wanted.length; i++) {
      assertThat((double) made[i]).as(name + " " + i).isCloseTo(wanted[i], within(1e-6));
    }
  }

  private static QuantDescriptor fourBits(boolean perChannel) {
    return QuantDescriptor.builder()
        .bits(4)
        .granularity(perChannel ? Granularity.perAxis(0) : Granularity.perTensor())
        .build();
  }

  /** Inputs that hang together, as activations do. */
  private static Tensor related(long rows, long features) {
    Tensor mix = torch.randn(4, features);
    return torch.randn(rows, 4).matmul(mix).add(torch.randn(rows, features).mul(new Scalar(0.2)));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void beatsTheNearestIntegersOnALinearLayer(boolean perChannel) {
    Torch.seed(1);
    try (Scope scope = Scope.open();
        Linear layer = Linear.builder(16, 8).build()) {
      float[] before = Tensors.toFloats(layer.weight());
      QuantDescriptor four = fourBits(perChannel);
      QuantParams params = QuantParams.of(four, WeightRanges.find(before, new int[] {8, 16}, four));
      List<Tensor> inputs = List.of(related(64, 16), related(64, 16));
      AdaRound.Outcome outcome = AdaRound.apply(layer, params, inputs, SHORT);
      assertThat(outcome.adapted()).isLessThan(0.6 * outcome.nearest());
      // Each weight is one of its two neighbours, which the nearest integers keep.
      float[] after = Tensors.toFloats(layer.weight());
      for (int i = 0; i < after.length; i++) {
        float scale = params.scale(perChannel ? i / 16 : 0);
        assertThat(Math.abs(after[i] - before[i])).isLessThan(scale * 1.001f);
      }
      try (FakeQuantizer again = FakeQuantizer.of(params);
          Torch.Switched noGrad = Torch.noGrad()) {
        assertThat(Tensors.toFloats(again.apply(layer.weight()))).containsExactly(after);
      }
    }
  }

  @Test
  void roundsAllTwinsOfAModel() {
    Torch.seed(2);
    QuantizerConfig input = QuantizerConfig.of(QuantDescriptor.int8Activation());
    QuantizerConfig weight = QuantizerConfig.of(fourBits(true));
    try (Scope scope = Scope.open();
        Module net =
            new Sequential(
                QuantConv2d.builder(input, weight, 3, 8, 3).groups(1).build(),
                Activation.relu(),
                QuantConv2d.builder(input, weight, 8, 8, 3).stride(2).bias(false).build())) {
      List<Tensor> batches =
          List.of(
              related(16, 3 * 64).reshape(16, 3, 8, 8), related(16, 3 * 64).reshape(16, 3, 8, 8));
      Calibration.collect(net, batches);
      Calibration.loadAmax(net, new RangeMethod.MinMax());
      Map<String, AdaRound.Outcome> outcomes = AdaRound.apply(net, batches, SHORT);
      assertThat(outcomes.keySet()).containsExactly("0", "2");
      assertThat(outcomes.values())
          .allSatisfy(each -> assertThat(each.adapted()).isLessThan(0.9 * each.nearest()));
    }
  }

  @Test
  void refusesWhatItCannotRound() {
    try (Scope scope = Scope.open();
        Conv2d layer = Conv2d.builder(1, 2, 1).build();
        Module relu = Activation.relu()) {
      QuantParams params = QuantParams.affine(0.1f, 0, -8, 7);
      List<Tensor> inputs = List.of(torch.randn(1, 1, 2, 2));
      assertThatThrownBy(() -> AdaRound.apply(layer, params, List.of(), SHORT))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("learns from inputs");
      assertThatThrownBy(() -> AdaRound.apply(relu, params, inputs, SHORT))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no convolution");
      assertThatThrownBy(() -> AdaRound.apply(layer, inputs, SHORT))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no quantized convolution");
    }
    assertThatThrownBy(() -> SHORT.iterations(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no settings");
  }
}
