package dev.octet.torch.quant.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.CalibrationException;
import dev.octet.core.range.Range;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CalibrationTest {
  private static final String FIRST = "features.0._input_quantizer";

  private static float[] amax(SmallNet net, String path) {
    Tensor amax = ((TensorQuantizer) net.get(path)).amax();
    assertThat(amax).as(path).isNotNull();
    return Tensors.toFloats(amax);
  }

  private static float largest(List<Tensor> batches) {
    float largest = 0;
    for (Tensor batch : batches) {
      for (float each : Tensors.toFloats(batch)) {
        largest = Math.max(largest, Math.abs(each));
      }
    }
    return largest;
  }

  @ParameterizedTest
  @ValueSource(strings = {"minmax", "entropy", "mse", "percentile:99.9"})
  void findsRangesByEveryMethod(String method) {
    try (SmallNet net = SmallNet.quantized();
        Scope scope = Scope.open()) {
      List<Tensor> batches = SmallNet.batches(4);
      Calibration.collect(net, batches);
      Calibration.loadAmax(net, RangeMethod.parse(method));
      float largest = largest(batches);
      float found = amax(net, FIRST)[0];
      if (method.equals("minmax")) {
        assertThat(found).isEqualTo(largest);
      } else {
        assertThat(found).isBetween(largest / 3, Math.nextDown(largest));
      }
      Tensor weights = ((TensorQuantizer) net.get("features.0._weight_quantizer")).amax();
      assertThat(Tensors.shape(weights)).containsExactly(8, 1, 1, 1);
      assertThat(Quantizers.of(net).values()).allMatch(TensorQuantizer::hasRange);
      float[] quantized = Tensors.toFloats(net.call(batches.get(0)));
      assertThat(quantized).hasSize(16);
    }
  }

  @Test
  void triesSeveralMethodsOnOneCollection() {
    try (SmallNet net = SmallNet.quantized();
        Scope scope = Scope.open()) {
      Calibration.collect(net, SmallNet.batches(2));
      Calibration.loadAmax(net, new RangeMethod.Entropy());
      float entropy = amax(net, FIRST)[0];
      Calibration.loadAmax(net);
      assertThat(amax(net, FIRST)[0]).isGreaterThan(entropy);
      Calibration.loadAmax(net, new RangeMethod.Entropy());
      assertThat(amax(net, FIRST)[0]).isEqualTo(entropy);
    }
  }

  @Test
  void addsToWhatWasCollected() {
    try (SmallNet whole = SmallNet.quantized();
        SmallNet halves = SmallNet.quantized();
        Scope scope = Scope.open()) {
      List<Tensor> batches = SmallNet.batches(4);
      Calibration.collect(whole, batches);
      Calibration.collect(halves, batches.subList(2, 4));
      Calibration.collect(halves, batches.subList(0, 2));
      Calibration.loadAmax(whole, new RangeMethod.Mse());
      Calibration.loadAmax(halves, new RangeMethod.Mse());
      Quantizers.of(whole)
          .forEach(
              (path, quantizer) ->
                  assertThat(Quantizers.of(halves).get(path).ranges())
                      .isEqualTo(quantizer.ranges()));
    }
  }

  @Test
  void leavesEverythingElseAsItWas() {
    try (SmallNet net = SmallNet.quantized();
        Scope scope = Scope.open()) {
      net.get("head").eval();
      Quantizers.disable(net, "head.*");
      Map<String, float[]> buffers = new LinkedHashMap<>();
      net.buffers().forEach((name, each) -> buffers.put(name, Tensors.toFloats(each)));
      Map<String, Object> settings = new LinkedHashMap<>();
      Quantizers.of(net).forEach((path, each) -> settings.put(path, each.config()));
      assertThatThrownBy(
              () ->
                  Calibration.collect(
                      net,
                      () -> {
                        Tensor y = net.call(torch.randn(2, 3, 8, 8));
                        assertThat(y.requires_grad()).isFalse();
                        throw new IllegalStateException("out of data");
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("out of data");
      assertThat(net.isTraining()).isTrue();
      assertThat(net.get("features.1").isTraining()).isTrue();
      assertThat(net.get("head.3").isTraining()).isFalse();
      Quantizers.of(net)
          .forEach((path, each) -> assertThat(each.config()).isEqualTo(settings.get(path)));
      net.buffers()
          .forEach((name, each) -> assertThat(Tensors.toFloats(each)).isEqualTo(buffers.get(name)));
      assertThat(net.call(torch.randn(2, 3, 8, 8)).requires_grad()).isTrue();
    }
  }

  @Test
  void collectsFromTheFloatModel() {
    try (SmallNet net = SmallNet.quantized();
        SmallNet coarse = SmallNet.quantized();
        Scope scope = Scope.open()) {
      List<Tensor> batches = SmallNet.batches(2);
      for (TensorQuantizer quantizer : Quantizers.of(coarse).values()) {
        quantizer.config(
            quantizer.config().toBuilder()
                .descriptor(quantizer.config().descriptor().toBuilder().bits(2).build())
                .build());
      }
      Calibration.collect(net, batches);
      Calibration.collect(coarse, batches);
      Calibration.loadAmax(net);
      Calibration.loadAmax(coarse);
      String last = "head.3._input_quantizer";
      assertThat(amax(coarse, last)).isEqualTo(amax(net, last));
    }
  }

  @Test
  void namesQuantizersThatSawNothingAndChangesNone() {
    try (SmallNet net = SmallNet.quantized();
        Scope scope = Scope.open()) {
      Calibration.collect(net, () -> net.get("features").call(torch.randn(1, 3, 8, 8)));
      assertThatThrownBy(() -> Calibration.loadAmax(net))
          .isInstanceOf(CalibrationException.class)
          .hasMessageContaining("head.3._input_quantizer");
      assertThat(Quantizers.of(net).values()).noneMatch(TensorQuantizer::hasRange);
      Quantizers.disable(net, "head.*");
      Calibration.loadAmax(net);
      assertThat(amax(net, FIRST)).hasSize(1);
    }
  }

  @Test
  void refusesWhatCannotBeCalibrated() {
    try (SmallNet plain = SmallNet.plain();
        SmallNet net = SmallNet.quantized();
        Scope scope = Scope.open()) {
      assertThatThrownBy(() -> Calibration.collect(plain, SmallNet.batches(1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("quantize its layers");
      assertThatThrownBy(() -> Calibration.collect(net, List.of()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no batch");
    }
  }

  @Test
  void keepsFixedRanges() {
    try (SmallNet net = SmallNet.quantized();
        Scope scope = Scope.open()) {
      TensorQuantizer fixed = (TensorQuantizer) net.get(FIRST);
      fixed.config(
          fixed.config().toBuilder()
              .descriptor(
                  fixed.config().descriptor().toBuilder().fixedRange(Range.symmetric(9)).build())
              .build());
      fixed.setRanges(List.of(Range.symmetric(9)));
      Calibration.collect(net, SmallNet.batches(1));
      Calibration.loadAmax(net);
      assertThat(amax(net, FIRST)).containsExactly(9);
    }
  }

  @Test
  void freesBatchesMadeOnTheWay() {
    List<Tensor> made = new ArrayList<>();
    Iterable<Tensor> lazily =
        () ->
            new Iterator<>() {
              @Override
              public boolean hasNext() {
                return made.size() < 3;
              }

              @Override
              public Tensor next() {
                if (!hasNext()) {
                  throw new NoSuchElementException();
                }
                made.add(torch.randn(1, 3, 8, 8));
                return made.get(made.size() - 1);
              }
            };
    try (SmallNet net = SmallNet.quantized()) {
      Calibration.collect(net, lazily);
      assertThat(made).hasSize(3).allMatch(each -> each.isNull());
    }
  }
}
