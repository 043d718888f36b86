package dev.octet.torch.quant;

import static dev.octet.torch.quant.GoldenTensors.backward;
import static dev.octet.torch.quant.GoldenTensors.gradient;
import static dev.octet.torch.quant.GoldenTensors.leaf;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

final class FakeQuantizerProperties {
  private static final int TRIES = 200;

  @Property(tries = TRIES)
  void agreesWithCoreBitForBitAndIsIdempotentAndMonotone(
      @ForAll @Size(min = 1, max = 40) float[] x,
      @ForAll @IntRange(min = 2, max = 16) int bits,
      @ForAll boolean signed,
      @ForAll boolean symmetric,
      @ForAll boolean onnx,
      @ForAll @FloatRange(min = -100, max = 0) float low,
      @ForAll @FloatRange(min = 0.01f, max = 1000) float high) {
    QuantDescriptor descriptor =
        QuantDescriptor.builder().bits(bits).signed(signed).symmetric(symmetric).build();
    QuantParams params = QuantParams.of(descriptor, new Range(low, high));
    Arithmetic arithmetic = onnx ? Arithmetic.ONNX : Arithmetic.LIBTORCH_2_10;
    Arrays.sort(x);
    int[] shape = {x.length};
    float[] expected = Affine.fakeQuantize(x, shape, params, arithmetic);
    boolean[] mask = Affine.mask(x, shape, params, arithmetic);
    try (FakeQuantizer quantizer = FakeQuantizer.of(params, arithmetic);
        Scope scope = Scope.open()) {
      Tensor input = leaf(Tensors.of(x, x.length));
      Tensor output = quantizer.apply(input);
      float[] y = Tensors.toFloats(output);
      assertThat(Tensors.toFloats(quantizer.apply(output))).containsExactly(y);
      assertThat(Tensors.toFloats(quantizer.apply(input.detach()))).containsExactly(y);
      backward(output, torch.ones_like(output));
      float[] gradient = gradient(input);
      for (int i = 0; i < y.length; i++) {
        assertThat(y[i] + 0f).isEqualTo(expected[i] + 0f);
        assertThat(gradient[i]).as("gradient at %s", x[i]).isEqualTo(mask[i] ? 1 : 0);
        assertThat(y[i]).isGreaterThanOrEqualTo(i == 0 ? Float.NEGATIVE_INFINITY : y[i - 1]);
      }
    }
  }

  @Property(tries = TRIES)
  void rowsThatClipNowhereRarelyAndOftenAgreeWithThePlainFormula(
      @ForAll @IntRange(max = 1_000_000) int seed,
      @ForAll @IntRange(min = 0, max = 2) int axis,
      @ForAll @IntRange(min = 2, max = 8) int bits,
      @ForAll boolean signed,
      @ForAll boolean narrow,
      @ForAll boolean symmetric,
      @ForAll boolean onnx,
      @ForAll boolean wide,
      @ForAll @IntRange(max = 20) int outliers) {
    Random random = new Random(seed);
    QuantDescriptor descriptor =
        QuantDescriptor.builder()
            .bits(bits)
            .signed(signed)
            .symmetric(symmetric)
            .narrow(signed && narrow)
            .granularity(Granularity.perAxis(axis))
            .build();
    int[] shape = {17, 18, 19};
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < shape[axis]; i++) {
      ranges.add(new Range(signed ? -1 - random.nextFloat() : 0, 1 + random.nextFloat()));
    }
    QuantParams params = QuantParams.of(descriptor, ranges);
    float[] x = new float[17 * 18 * 19];
    for (int i = 0; i < x.length; i++) {
      float scale = params.scale(0);
      float tie = (random.nextInt(5) - 2 + 0.5f) * scale;
      float inside = random.nextFloat() - (signed ? 0.5f : 0);
      x[i] = bits > 4 && random.nextInt(4) == 0 ? (signed ? tie : Math.abs(tie)) : inside;
    }
    float[] strange = {
      Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, -0f, 3, -3, Float.MIN_VALUE
    };
    for (int i = 0; i < outliers; i++) {
      x[random.nextInt(x.length)] = strange[random.nextInt(strange.length)];
    }
    if (wide) {
      for (int i = 0; i < x.length; i += 2) {
        x[i] *= 4;
      }
    }
    Arithmetic arithmetic = onnx ? Arithmetic.ONNX : Arithmetic.LIBTORCH_2_10;
    try (FakeQuantizer quantizer = FakeQuantizer.of(params, arithmetic);
        Scope scope = Scope.open()) {
      Tensor leaf = leaf(Tensors.of(x, 17, 18, 19));
      Tensor y = quantizer.apply(leaf);
      Tensor ahead = torch.randn(17, 18, 19);
      backward(y, ahead);
      Simple simple = Simple.of(leaf.detach(), params, axis, onnx);
      assertThat(bits(y)).containsExactly(bits(simple.y()));
      assertThat(bits(quantizer.apply(leaf.detach()))).containsExactly(bits(simple.y()));
      assertThat(bits(leaf.grad()))
          .containsExactly(bits(torch.where(simple.inside(), ahead, new Scalar(0f))));
    }
  }

  private static int[] bits(Tensor x) {
    float[] values = Tensors.toFloats(x);
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToIntBits(values[i] + 0f); // all NaN alike, and both zeros
    }
    return bits;
  }

  /** The formula, one operation after the other. */
  private record Simple(Tensor y, Tensor inside) {
    static Simple of(Tensor x, QuantParams params, int axis, boolean onnx) {
      int count = params.count();
      float[] first = new float[count];
      float[] last = new float[count];
      for (int i = 0; i < count; i++) {
        first[i] = params.qmin() - params.zeroPoint(i);
        last[i] = params.qmax() - params.zeroPoint(i);
      }
      long[] shape = {1, 1, 1};
      shape[axis] = count;
      Tensor scale = Tensors.of(params.scales(), shape);
      Tensor levels = (onnx ? x.div(scale) : x.mul(scale.reciprocal())).round();
      Tensor clamped =
          torch.clamp(
              levels,
              new TensorOptional(Tensors.of(first, shape)),
              new TensorOptional(Tensors.of(last, shape)));
      return new Simple(clamped.mul(scale), levels.eq(clamped));
    }
  }
}
