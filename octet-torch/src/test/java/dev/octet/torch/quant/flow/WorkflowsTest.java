package dev.octet.torch.quant.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.RangeMethod;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.ConvTranspose1d;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.nn.QuantConv2d;
import dev.octet.torch.quant.nn.QuantModules;
import dev.octet.torch.quant.nn.QuantizedLayer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

/** What is done with quantizers after they have ranges, or without data. */
final class WorkflowsTest {
  private static final List<String> LAYERS =
      List.of("features.0", "features.3", "head.0", "head.3");

  private static SmallNet calibrated() {
    SmallNet net = SmallNet.quantized();
    try (Scope scope = Scope.open()) {
      Calibration.collect(net, SmallNet.batches(2));
      Calibration.loadAmax(net);
    }
    return net;
  }

  private static float[] amax(Module net, String path) {
    Tensor amax = ((TensorQuantizer) net.get(path)).amax();
    assertThat(amax).as(path).isNotNull();
    return Tensors.toFloats(amax);
  }

  // --- Sensitivity -----------------------------------------------------------------------------

  /** Minus the distance from the float outputs. */
  private static double closeness(Module net, Tensor x, float[] wanted) {
    float[] actual = Tensors.toFloats(net.call(x));
    double distance = 0;
    for (int i = 0; i < wanted.length; i++) {
      distance += Math.abs(actual[i] - wanted[i]);
    }
    return -distance;
  }

  @Test
  void ranksLayersByWhatTheyCost() {
    try (SmallNet net = calibrated();
        SmallNet plain = SmallNet.plain();
        Scope scope = Scope.open()) {
      plain.eval();
      Tensor x = SmallNet.batches(1).get(0);
      float[] wanted = Tensors.toFloats(plain.call(x));
      // A range a hundredth of what it should be clips nearly all of the second convolution.
      TensorQuantizer bad = (TensorQuantizer) net.get("features.3._input_quantizer");
      bad.amax(amax(net, "features.3._input_quantizer")[0] / 100);
      List<String> calls = new ArrayList<>();
      Sensitivity found =
          Sensitivity.analyse(
              net,
              each -> {
                assertThat(each.isTraining()).isFalse();
                calls.add("call");
                return closeness(each, x, wanted);
              });
      assertThat(calls).hasSize(2 + 2 * LAYERS.size());
      assertThat(found.floatScore()).isZero();
      assertThat(found.rows())
          .extracting(Sensitivity.Row::layer)
          .containsOnly(LAYERS.toArray(String[]::new));
      Sensitivity.Row worst = found.rows().get(0);
      assertThat(worst.layer()).isEqualTo("features.3");
      assertThat(worst.loss()).isEqualTo(found.floatScore() - worst.onlyThis());
      assertThat(worst.gain()).isEqualTo(worst.allButThis() - found.quantizedScore());
      assertThat(worst.gain()).isPositive();
      assertThat(found.rows())
          .extracting(Sensitivity.Row::loss)
          .isSortedAccordingTo((a, b) -> Double.compare(b, a));
      assertThat(found.toString().lines()).hasSize(3 + LAYERS.size());
      assertThat(found.toString()).contains("features.3");
    }
  }

  @Test
  void restoresWhatItSwitched() {
    try (SmallNet net = calibrated();
        Scope scope = Scope.open()) {
      Quantizers.disable(net, "head.*");
      Map<String, Object> before = new LinkedHashMap<>();
      Quantizers.of(net).forEach((path, each) -> before.put(path, each.config()));
      assertThat(Sensitivity.analyse(net, each -> 1).rows())
          .extracting(Sensitivity.Row::layer)
          .containsExactly("features.0", "features.3");
      assertThatThrownBy(
              () ->
                  Sensitivity.analyse(
                      net,
                      each -> {
                        if (!((TensorQuantizer) each.get("features.0._input_quantizer"))
                            .isEnabled()) {
                          throw new IllegalStateException("evaluator");
                        }
                        return 1;
                      }))
          .hasMessage("evaluator");
      assertThatThrownBy(() -> Sensitivity.analyse(net, each -> Double.NaN))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("NaN");
      Quantizers.of(net)
          .forEach((path, each) -> assertThat(each.config()).isEqualTo(before.get(path)));
      assertThat(net.isTraining()).isTrue();
      Quantizers.disable(net, "*");
      assertThatThrownBy(() -> Sensitivity.analyse(net, each -> 1))
          .hasMessageContaining("no quantizer");
    }
  }

  // --- Names -----------------------------------------------------------------------------------

  @Test
  void switchesQuantizersByName() {
    try (SmallNet net = SmallNet.quantized()) {
      assertThat(Quantizers.disable(net, "features.?._input*", "head.3.*"))
          .containsExactly(
              "features.0._input_quantizer",
              "features.3._input_quantizer",
              "head.3._input_quantizer",
              "head.3._weight_quantizer");
      assertThat(((TensorQuantizer) net.get("features.3._input_quantizer")).isEnabled()).isFalse();
      assertThat(((TensorQuantizer) net.get("features.3._weight_quantizer")).isEnabled()).isTrue();
      assertThat(Quantizers.enable(net, Pattern.compile("features\\.\\d\\._in.*"))).hasSize(2);
      assertThat(((TensorQuantizer) net.get("features.3._input_quantizer")).isEnabled()).isTrue();
      assertThatThrownBy(() -> Quantizers.disable(net, "*", "feature.*"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("features.0._input_quantizer");
      assertThat(((TensorQuantizer) net.get("features.0._input_quantizer")).isEnabled()).isTrue();
      assertThatThrownBy(() -> Quantizers.enable(net, "")).hasMessageContaining("empty");
      assertThatThrownBy(() -> Quantizers.enable(net)).hasMessageContaining("'*'");
      assertThat(Quantizers.summary(net).lines()).hasSize(1 + 7);
      assertThat(Quantizers.summary(net)).contains("head.3._weight_quantizer").contains("disabled");
    }
  }

  @Test
  void takesWildcardsLiterallyOtherwise() {
    try (SmallNet net = SmallNet.quantized()) {
      for (String none :
          List.of("features?0", "features.[03].*", "head", "\\Qhead\\E*", "head.3")) {
        assertThatThrownBy(() -> Quantizers.select(net, none))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThat(Quantizers.select(net, "**head***").keySet())
          .isEqualTo(Quantizers.select(net, "head*").keySet());
    }
  }

  // --- Freezing and weights --------------------------------------------------------------------

  @Test
  void freezesRanges() {
    try (SmallNet net = SmallNet.quantized();
        Scope scope = Scope.open()) {
      assertThatThrownBy(() -> Quantizers.freeze(net, "*"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("features.0._input_quantizer");
      Calibration.collect(net, SmallNet.batches(1));
      Calibration.loadAmax(net);
      TensorQuantizer bounds = (TensorQuantizer) net.get("features.0._input_quantizer");
      TensorQuantizer step = (TensorQuantizer) net.get("features.3._input_quantizer");
      bounds.learnAmax();
      step.learnScale();
      step.enableCalib();
      assertThat(bounds.parameters().values()).isNotEmpty().allMatch(Tensor::requires_grad);
      assertThat(Quantizers.freeze(net, "features.*")).hasSize(4);
      for (TensorQuantizer each : List.of(bounds, step)) {
        assertThat(each.parameters().values()).isNotEmpty().noneMatch(Tensor::requires_grad);
        assertThat(each.config().calib()).isFalse();
      }
      float[] before = Tensors.toFloats(bounds.parameters().values().iterator().next());
      net.call(SmallNet.batches(1).get(0)).sum().backward();
      assertThat(Tensors.toFloats(bounds.parameters().values().iterator().next()))
          .isEqualTo(before);
    }
  }

  @Test
  void quantizesWeightsInPlace() {
    try (SmallNet net = calibrated();
        Scope scope = Scope.open()) {
      net.eval();
      Tensor x = SmallNet.batches(1).get(0);
      Quantizers.disable(net, "head.3._weight_quantizer");
      float[] untouched = Tensors.toFloats(net.get("head.3").ownParameters().get("weight"));
      float[] wanted = Tensors.toFloats(net.call(x));
      Quantizers.quantizeWeightsInPlace(net);
      assertThat(Tensors.toFloats(net.get("head.3").ownParameters().get("weight")))
          .isEqualTo(untouched);
      Quantizers.disable(net, "*._weight_quantizer");
      assertThat(Tensors.toFloats(net.call(x))).isEqualTo(wanted);
      assertThat(net.get("features.0").ownParameters().get("weight").requires_grad()).isTrue();
    }
  }

  @Test
  void calibratesWeights() {
    try (QuantModules quantizing = QuantModules.initialize();
        Module net =
            new Sequential(ConvTranspose1d.builder(8, 3, 5).build(), LSTM.builder(2, 3).build());
        Scope scope = Scope.open()) {
      WeightCalibration.run(net, new RangeMethod.MinMax());
      float[] weights = Tensors.toFloats(net.get("0").ownParameters().get("weight"));
      float[] largest = new float[3];
      for (int i = 0; i < weights.length; i++) {
        int channel = i / 5 % 3;
        largest[channel] = Math.max(largest[channel], Math.abs(weights[i]));
      }
      assertThat(amax(net, "0._weight_quantizer")).isEqualTo(largest);
      Tensor joint = ((TensorQuantizer) net.get("1._weight_quantizers.0")).amax();
      assertThat(joint).isNotNull();
      assertThat(Tensors.shape(joint)).containsExactly(12, 1);
      WeightCalibration.perTensor(net, new RangeMethod.MinMax());
      float most = Math.max(largest[0], Math.max(largest[1], largest[2]));
      assertThat(amax(net, "0._weight_quantizer")).containsExactly(most);
      for (RangeMethod method : List.of(new RangeMethod.Mse(), new RangeMethod.Percentile(90))) {
        WeightCalibration.perChannel(net, method);
        float[] found = amax(net, "0._weight_quantizer");
        for (int i = 0; i < found.length; i++) {
          assertThat(found[i]).isPositive().isLessThanOrEqualTo(largest[i]);
        }
      }
      assertThat(amax(net, "0._weight_quantizer")).isNotEqualTo(largest);
    }
  }

  @Test
  void namesTheWeightThatHasNoRange() {
    try (Module net = new Sequential(QuantConv2d.builder(1, 1, 1).build());
        Scope scope = Scope.open()) {
      ((QuantizedLayer) net.get("0"))
          .quantizedWeights()
          .get(0)
          .assign(Tensors.of(new float[] {Float.NaN}, 1, 1, 1, 1));
      assertThatThrownBy(() -> WeightCalibration.run(net, new RangeMethod.Mse()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("weight 'weight' of '0'")
          .hasMessageContaining("NaN");
    }
  }

  // --- Cross-check -----------------------------------------------------------------------------

  @Test
  void comparesLayersWithTheirFloatOutputs() {
    try (SmallNet net = calibrated();
        Scope scope = Scope.open()) {
      Quantizers.disable(net, "features.0.*");
      CrossCheck check = CrossCheck.run(net, SmallNet.batches(2));
      assertThat(check.byLayer().keySet())
          .containsExactly("features.0", "features.3", "head.0", "head.3", "");
      assertThat(check.byLayer().get("features.0").sqnr()).isInfinite();
      assertThat(check.byLayer().get("features.3").sqnr()).isBetween(20.0, 60.0);
      assertThat(check.byLayer().get("").count()).isEqualTo(2 * 4 * 4);
      assertThat(check.toString()).contains("(output)").contains("features.3");
      assertThat(net.isTraining()).isTrue();
      assertThat(Quantizers.of(net).values()).filteredOn(each -> !each.isEnabled()).hasSize(2);
      assertThatThrownBy(() -> CrossCheck.run(net, List.of())).hasMessageContaining("no batch");
      Quantizers.disable(net, "*");
      assertThatThrownBy(() -> CrossCheck.run(net, SmallNet.batches(1)))
          .hasMessageContaining("nothing can be compared");
    }
  }

  @Test
  void takesItsHooksAway() {
    try (SmallNet net = calibrated();
        Scope scope = Scope.open()) {
      assertThatThrownBy(() -> CrossCheck.run(net, List.of(torch.randn(1, 5, 8, 8))))
          .hasMessageContaining("features.0");
      CrossCheck check = CrossCheck.run(net, SmallNet.batches(1));
      assertThat(check.byLayer().get("").count()).isEqualTo(16);
    }
  }
}
