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
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;

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

  /**
   * Ranges of their own along every axis and in blocks, in every order of memory, over many blocks.
   */
  @Property(tries = 60)
  void agreesWithCoreWhereScalesVary(
      @ForAll @IntRange(min = 1, max = 40) int n,
      @ForAll @IntRange(min = 1, max = 24) int channels,
      @ForAll @IntRange(min = 1, max = 9) int side,
      @ForAll @IntRange(min = -1, max = 3) int axis,
      @ForAll @IntRange(min = 0, max = 5) int blockSize,
      @ForAll Layout layout,
      @ForAll @IntRange(min = 2, max = 8) int bits,
      @ForAll @FloatRange(min = 0.1f, max = 4) float width,
      @ForAll boolean onnx,
      @ForAll long seed) {
    int[] shape = {n, channels, side, side};
    Granularity granularity =
        axis < 0
            ? new Granularity.PerTensor()
            : blockSize == 0
                ? new Granularity.PerAxis(axis)
                : new Granularity.PerBlock(axis, blockSize);
    QuantDescriptor descriptor =
        QuantDescriptor.builder().bits(bits).symmetric(false).granularity(granularity).build();
    Random random = new Random(seed);
    float[] x = new float[n * channels * side * side];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    if (seed % 3 == 0) {
      x[random.nextInt(x.length)] = Float.NaN;
    }
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < count(shape, granularity); i++) {
      ranges.add(new Range(-width * (0.5f + random.nextFloat()), width * random.nextFloat()));
    }
    QuantParams params = QuantParams.of(descriptor, ranges);
    Arithmetic arithmetic = onnx ? Arithmetic.ONNX : Arithmetic.LIBTORCH_2_10;
    float[] expected = Affine.fakeQuantize(x, shape, params, arithmetic);
    boolean[] mask = Affine.mask(x, shape, params, arithmetic);
    try (FakeQuantizer quantizer = FakeQuantizer.of(params, arithmetic);
        Scope scope = Scope.open()) {
      Tensor input = leaf(layout.of(Tensors.of(x, n, channels, side, side)));
      Tensor output = quantizer.apply(input);
      float[] y = Tensors.toFloats(output);
      backward(output.mul_(new Scalar(3.0)), torch.ones_like(output));
      float[] gradient = gradient(input);
      for (int i = 0; i < y.length; i++) {
        if (Float.isNaN(x[i])) {
          assertThat(y[i]).isNaN();
          assertThat(gradient[i]).isZero();
        } else {
          assertThat(y[i] + 0f).as("%s at %d", x[i], i).isEqualTo(expected[i] + 0f);
          assertThat(gradient[i]).as("gradient at %s", x[i]).isEqualTo(mask[i] ? 3 : 0);
        }
      }
      assertThat(Tensors.toFloats(input)).containsExactly(x);
    }
  }

  private static int count(int[] shape, Granularity granularity) {
    if (granularity instanceof Granularity.PerAxis perAxis) {
      return shape[perAxis.axis()];
    }
    if (granularity instanceof Granularity.PerBlock perBlock) {
      int blocks = (shape[perBlock.axis()] + perBlock.size() - 1) / perBlock.size();
      return Arrays.stream(shape).reduce(1, (a, b) -> a * b) / shape[perBlock.axis()] * blocks;
    }
    return 1;
  }

  /** Orders in which the same numbers may lie in memory. */
  enum Layout {
    CONTIGUOUS {
      @Override
      Tensor of(Tensor x) {
        return x;
      }
    },
    CHANNELS_LAST {
      @Override
      Tensor of(Tensor x) {
        return x.contiguous(MemoryFormat.ChannelsLast);
      }
    },
    TRANSPOSED {
      @Override
      Tensor of(Tensor x) {
        return x.transpose(0, 1).contiguous().transpose(0, 1);
      }
    },
    WITH_GAPS {
      @Override
      Tensor of(Tensor x) {
        Tensor wide = torch.cat(new TensorVector(x, x), 3);
        return wide.narrow(3, 0, x.size(3));
      }
    };

    abstract Tensor of(Tensor x);
  }
}
