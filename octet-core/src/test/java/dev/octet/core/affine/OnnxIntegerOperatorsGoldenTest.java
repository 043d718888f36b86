package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.descriptor.Granularity;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * ONNX Runtime's operators on integers, onnx-qdq.json, by plain loops here and {@link Affine} for
 * everything affine. Dequantizing the int32 sums by the product of the scales and quantizing again
 * gives the integers that QLinearConv and QLinearMatMul give: what Q/DQ around a float operator
 * promises.
 */
class OnnxIntegerOperatorsGoldenTest {
  static Stream<Golden> matMulCases() {
    return Golden.cases("onnx-qdq", name -> name.matches("(matmul_integer|qlinear_matmul)_.*"));
  }

  static Stream<Golden> convCases() {
    return Golden.cases("onnx-qdq", name -> name.matches("(conv_integer|qlinear_conv)_.*"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("matMulCases")
  void multipliesMatrices(Golden golden) {
    Fields inputs = golden.inputs();
    GoldenArray a = inputs.array("a");
    GoldenArray b = inputs.array("b");
    int inner = b.shape()[0];
    int columns = b.shape()[1];
    int[] left = centred(a, inputs.ints("a_zero_point"), 1);
    int[] right = centred(b, inputs.ints("b_zero_point"), 1);
    int[] sums = new int[left.length / inner * columns];
    for (int i = 0; i < sums.length; i++) {
      for (int k = 0; k < inner; k++) {
        sums[i] += left[i / columns * inner + k] * right[k * columns + i % columns];
      }
    }
    GoldenArray y = golden.expected().array("y");
    assertThat(
            inputs.has("y_scale")
                ? requantized(inputs, "a", "b", sums, y.shape(), y.shape().length - 1)
                : sums)
        .isEqualTo(y.ints());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("convCases")
  void convolves(Golden golden) {
    Fields inputs = golden.inputs();
    GoldenArray x = inputs.array("x");
    GoldenArray w = inputs.array("w");
    GoldenArray y = golden.expected().array("y");
    int[] sums =
        convolution(
            centred(x, inputs.ints("x_zero_point"), 1),
            x.shape(),
            centred(w, inputs.ints("w_zero_point"), 0),
            w.shape(),
            y.shape(),
            golden.params());
    if (inputs.has("bias")) {
      int[] bias = inputs.ints("bias");
      int plane = y.shape()[2] * y.shape()[3];
      for (int i = 0; i < sums.length; i++) {
        sums[i] += bias[i / plane % bias.length];
      }
    }
    assertThat(inputs.has("y_scale") ? requantized(inputs, "x", "w", sums, y.shape(), 1) : sums)
        .isEqualTo(y.ints());
  }

  /** The integers less their zero points, of which there is one, or one for each index of axis. */
  private static int[] centred(GoldenArray array, int[] zeroPoints, int axis) {
    int[] values = array.ints();
    int stride = Arrays.stream(array.shape()).skip(axis + 1L).reduce(1, (p, q) -> p * q);
    for (int i = 0; i < values.length; i++) {
      values[i] -= zeroPoints[i / stride % array.shape()[axis] % zeroPoints.length];
    }
    return values;
  }

  private static int[] convolution(
      int[] x, int[] xShape, int[] w, int[] wShape, int[] yShape, Fields params) {
    int stride = params.integer("stride");
    int pad = params.integer("pad");
    int dilation = params.integer("dilation");
    int filters = wShape[0] / params.integer("group");
    int[] y = new int[Arrays.stream(yShape).reduce(1, (p, q) -> p * q)];
    for (int i = 0; i < y.length; i++) {
      int column = i % yShape[3] * stride - pad;
      int row = i / yShape[3] % yShape[2] * stride - pad;
      int filter = i / (yShape[2] * yShape[3]) % yShape[1];
      int image = i / (yShape[1] * yShape[2] * yShape[3]);
      for (int k = 0; k < wShape[1] * wShape[2] * wShape[3]; k++) {
        int r = row + k / wShape[3] % wShape[2] * dilation;
        int c = column + k % wShape[3] * dilation;
        int channel = filter / filters * wShape[1] + k / (wShape[2] * wShape[3]);
        if (r >= 0 && r < xShape[2] && c >= 0 && c < xShape[3]) {
          int at = ((image * xShape[1] + channel) * xShape[2] + r) * xShape[3] + c;
          y[i] += x[at] * w[filter * (w.length / wShape[0]) + k];
        }
      }
    }
    return y;
  }

  private static int[] requantized(
      Fields inputs, String left, String right, int[] sums, int[] shape, int axis) {
    float[] scales = inputs.floats(right + "_scale");
    for (int i = 0; i < scales.length; i++) {
      scales[i] *= inputs.number(left + "_scale");
    }
    Granularity granularity =
        scales.length == 1 ? Granularity.perTensor() : Granularity.perAxis(axis);
    QuantParams sum =
        QuantParams.affine(
            scales, new int[scales.length], granularity, Integer.MIN_VALUE, Integer.MAX_VALUE);
    GoldenArray zeroPoint = inputs.array("y_zero_point");
    int[] range = PeerParams.range(zeroPoint.dtype());
    QuantParams result =
        QuantParams.affine(inputs.number("y_scale"), zeroPoint.ints()[0], range[0], range[1]);
    return Affine.quantize(Affine.dequantize(sums, shape, sum), shape, result);
  }
}
