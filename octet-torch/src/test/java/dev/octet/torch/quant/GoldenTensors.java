package dev.octet.torch.quant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/** Tensors from golden files, and comparisons with them. */
final class GoldenTensors {
  private GoldenTensors() {}

  static Tensor input(Golden golden, String name) {
    return of(golden.inputs().array(name));
  }

  static Tensor of(GoldenArray array) {
    return Tensors.of(array.floats(), Arrays.stream(array.shape()).asLongStream().toArray());
  }

  /** An input that gradients are asked of. */
  static Tensor leaf(Tensor x) {
    x.set_requires_grad(true);
    return x;
  }

  static void backward(Tensor y, Tensor gradient) {
    y.backward(gradient, new org.bytedeco.pytorch.BoolOptional(), false, null);
  }

  static void backward(Tensor y) {
    y.backward(new Tensor(), new org.bytedeco.pytorch.BoolOptional(), false, null);
  }

  static float[] gradient(Tensor x) {
    return Tensors.toFloats(x.grad());
  }

  /** Bit by bit, all NaN as one, so that −0 and 0 differ. */
  static void assertBits(Golden golden, String name, Tensor actual) {
    assertThat(bits(Tensors.toFloats(actual)))
        .as(name)
        .isEqualTo(bits(golden.expected().floats(name)));
  }

  static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    Arrays.setAll(bits, i -> Float.floatToIntBits(values[i]));
    return bits;
  }
}
