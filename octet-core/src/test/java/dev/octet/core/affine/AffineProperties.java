package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;

class AffineProperties {
  @Provide
  Arbitrary<QuantDescriptor> descriptors() {
    return Combinators.combine(
            Arbitraries.integers().between(2, 16),
            Arbitraries.of(true, false),
            Arbitraries.of(true, false),
            Arbitraries.of(true, false))
        .as(
            (bits, signed, symmetric, narrow) ->
                QuantDescriptor.builder()
                    .bits(bits)
                    .signed(signed)
                    .symmetric(symmetric)
                    .narrow(signed && narrow)
                    .build());
  }

  private static QuantParams params(QuantDescriptor descriptor, float a, float b) {
    return QuantParams.of(descriptor, new Range(Math.min(a, b), Math.max(a, b)));
  }

  @Property
  void zeroIsExact(
      @ForAll("descriptors") QuantDescriptor descriptor,
      @ForAll float a,
      @ForAll float b,
      @ForAll Arithmetic arithmetic) {
    QuantParams params = params(descriptor, a, b);
    Assume.that(arithmetic != Arithmetic.PYTORCH_QUANTIZATION || descriptor.symmetric());
    // 1 / scale must be a float, which it is not for the smallest normal scales.
    Assume.that(params.scale(0) > 0x1p-120f && params.scale(0) < 0x1p120f);
    assertThat(Affine.fakeQuantize(new float[] {0}, new int[] {1}, params, arithmetic))
        .containsExactly(0f);
    assertThat(Affine.quantize(new float[] {0}, new int[] {1}, params, arithmetic))
        .containsExactly(params.zeroPoint(0));
  }

  @Property
  void aValueOnTheGridStaysThere(
      @ForAll("descriptors") QuantDescriptor descriptor,
      @ForAll @FloatRange(min = -1e6f, max = 1e6f) float a,
      @ForAll @FloatRange(min = -1e6f, max = 1e6f) float b,
      @ForAll float x) {
    QuantParams params = params(descriptor, a, b);
    int[] shape = {1};
    int[] q = Affine.quantize(new float[] {x}, shape, params);
    float[] value = Affine.dequantize(q, shape, params);
    assertThat(Affine.quantize(value, shape, params)).isEqualTo(q);
    assertThat(Affine.fakeQuantize(value, shape, params)).isEqualTo(value);
  }

  @Property
  void fakeQuantizingIsQuantizingAndDequantizing(
      @ForAll("descriptors") QuantDescriptor descriptor,
      @ForAll @FloatRange(min = -100, max = 100) float a,
      @ForAll @FloatRange(min = -100, max = 100) float b,
      @ForAll float[] x,
      @ForAll Arithmetic arithmetic) {
    // LibTorch 2.13 fake-quantizes by the rule of 2.10; the other two divide on the way back.
    Assume.that(arithmetic == Arithmetic.ONNX || arithmetic == Arithmetic.LIBTORCH_2_10);
    QuantParams params = params(descriptor, a, b);
    int[] shape = {x.length};
    int[] q = Affine.quantize(x, shape, params, arithmetic);
    assertThat(Affine.fakeQuantize(x, shape, params, arithmetic))
        .isEqualTo(Affine.dequantize(q, shape, params));
  }

  @Property
  void keepsTheOrderOfValues(
      @ForAll("descriptors") QuantDescriptor descriptor,
      @ForAll float a,
      @ForAll float b,
      @ForAll float[] x) {
    QuantParams params = params(descriptor, a, b);
    Arrays.sort(x);
    assertThat(Affine.quantize(x, new int[] {x.length}, params)).isSorted();
  }

  @Property
  void isWithinHalfAStepInsideTheRange(
      @ForAll("descriptors") QuantDescriptor descriptor,
      @ForAll @FloatRange(min = -100, max = 100) float a,
      @ForAll @FloatRange(min = -100, max = 100) float b,
      @ForAll @FloatRange(min = 0, max = 1) float share) {
    float min = Math.min(a, b);
    float max = Math.max(a, b);
    Assume.that(descriptor.signed() || !descriptor.symmetric() || min >= 0);
    QuantParams params = params(descriptor, a, b);
    float x = Math.min(max, min + share * (max - min));
    float y = Affine.fakeQuantize(new float[] {x}, new int[] {1}, params)[0];
    // An affine zero point is rounded, which can push an end out by half a step more.
    double steps = descriptor.symmetric() ? 0.5 : 1;
    double rounding = 4 * Math.ulp(Math.max(Math.abs(min), Math.abs(max)));
    assertThat(Math.abs((double) y - x)).isLessThanOrEqualTo(steps * params.scale(0) + rounding);
  }

  /** A slow, plain reading of the formula, one element at a time. */
  private static int code(float x, float scale, int zero, int qmin, int qmax) {
    double q = Math.rint(x / scale) + zero;
    return Double.isNaN(q) ? qmin : (int) Math.max(qmin, Math.min(qmax, q));
  }

  @Property(tries = 300)
  void everyElementTakesTheScaleOfItsAxisOrBlock(
      @ForAll @IntRange(min = 1, max = 5) int d0,
      @ForAll @IntRange(min = 1, max = 70) int d1,
      @ForAll @IntRange(min = 1, max = 6) int d2,
      @ForAll @IntRange(min = -3, max = 2) int axis,
      @ForAll @IntRange(min = 0, max = 9) int block,
      @ForAll long seed) {
    int[] shape = {d0, d1, d2};
    Granularity granularity =
        block == 0 ? Granularity.perAxis(axis) : Granularity.perBlock(axis, block);
    int at = axis < 0 ? axis + 3 : axis;
    int[] scaleShape = Affine.scaleShape(shape, granularity);
    Random random = new Random(seed);
    float[] scales = new float[Arrays.stream(scaleShape).reduce(1, (a, b) -> a * b)];
    int[] zeros = new int[scales.length];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = 0.01f + random.nextFloat();
      zeros[i] = random.nextInt(256) - 128;
    }
    QuantParams params = QuantParams.affine(scales, zeros, granularity, -128, 127);
    float[] x = new float[d0 * d1 * d2];
    int[] expected = new int[x.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextInt(20) == 0 ? Float.NaN : (float) random.nextGaussian() * 50;
      int[] index = {i / (d1 * d2), i / d2 % d1, i % d2};
      int k = index[at];
      if (block > 0) {
        index[at] /= block;
        k = (index[0] * scaleShape[1] + index[1]) * scaleShape[2] + index[2];
      }
      expected[i] = code(x[i], scales[k], zeros[k], -128, 127);
    }
    int[] q = Affine.quantize(x, shape, params);
    assertThat(q).isEqualTo(expected);
    assertThat(Affine.fakeQuantize(x, shape, params))
        .isEqualTo(Affine.dequantize(q, shape, params));
  }

  @Property(tries = 100)
  void offsetsAndLengthsDoNotMatter(
      @ForAll @IntRange(min = 0, max = 5000) int length,
      @ForAll @IntRange(min = 0, max = 9) int from,
      @ForAll @IntRange(min = 0, max = 9) int to,
      @ForAll long seed) {
    Random random = new Random(seed);
    float[] x = new float[from + length + 3];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    QuantParams params = QuantParams.affine(0.02f, 3, 0, 255);
    int[] shape = {length};
    float[] expected =
        Affine.fakeQuantize(Arrays.copyOfRange(x, from, from + length), shape, params);
    float[] y = new float[to + length + 3];
    Arrays.fill(y, 77);
    Affine.fakeQuantize(x, from, y, to, shape, params, Arithmetic.ONNX);
    assertThat(Arrays.copyOfRange(y, to, to + length)).isEqualTo(expected);
    List<Float> around = new ArrayList<>();
    for (int i = 0; i < y.length; i++) {
      if (i < to || i >= to + length) {
        around.add(y[i]);
      }
    }
    assertThat(around).containsOnly(77f);
    Affine.fakeQuantize(x, from, x, from, shape, params, Arithmetic.ONNX);
    assertThat(Arrays.copyOfRange(x, from, from + length)).isEqualTo(expected);
  }
}
