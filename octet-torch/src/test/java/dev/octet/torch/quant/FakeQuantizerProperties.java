package dev.octet.torch.quant;

import static dev.octet.torch.quant.GoldenTensors.backward;
import static dev.octet.torch.quant.GoldenTensors.gradient;
import static dev.octet.torch.quant.GoldenTensors.leaf;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.bytedeco.pytorch.Tensor;
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
}
