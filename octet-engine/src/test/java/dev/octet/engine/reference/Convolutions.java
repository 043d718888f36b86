package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import java.util.Map;

/** Convolutions over any number of spatial axes, on floats and on integers. */
final class Convolutions {

  private Convolutions() {}

  static void register(Map<String, Operator> operators) {
    operators.put("Conv", single(Convolutions::conv));
    operators.put("ConvTranspose", single(Convolutions::convTranspose));
    operators.put("ConvInteger", single(Convolutions::convInteger));
    operators.put("QLinearConv", single(Convolutions::qlinearConv));
  }

  private static Tensor conv(Call call) {
    Array sums = sums(call, call.array(0), call.array(1));
    return withBias(call, sums).to(call.type());
  }

  private static Tensor convInteger(Call call) {
    Array x = shifted(call.array(0), call.arrayOrZeros(2), 1);
    Array w = shifted(call.array(1), call.arrayOrZeros(3), 0);
    return sums(call, x, w).to(DataType.INT32);
  }

  /** Inputs: x, its scale and zero point, w, its scale and zero point, those of y, the bias. */
  private static Tensor qlinearConv(Call call) {
    Array x = shifted(call.array(0), call.array(2), 1);
    Array w = shifted(call.array(3), call.array(5), 0);
    Array sums = sums(call, x, w);
    Array bias = call.arrayOrZeros(8, w.shape[0]);
    int inner = sums.product(2, sums.rank());
    double[] codes = new double[sums.values.length];
    Requantization scales = new Requantization(call.array(1), call.array(4), call.array(6));
    double zeroPoint = call.array(7).scalar();
    for (int i = 0; i < codes.length; i++) {
      int channel = i / inner % w.shape[0];
      double sum = sums.values[i] + bias.values[channel];
      codes[i] = scales.code(sum, channel, zeroPoint, call.tensor(7).type());
    }
    return new Array(sums.shape, codes).to(call.tensor(7).type());
  }

  /** {@code codes} less their zero point, which is one or belongs to places along {@code axis}. */
  static Array shifted(Array codes, Array zeroPoint, int axis) {
    int inner = codes.product(axis + 1, codes.rank());
    double[] result = new double[codes.values.length];
    for (int i = 0; i < result.length; i++) {
      int at = zeroPoint.values.length == 1 ? 0 : i / inner % codes.shape[axis];
      result[i] = codes.values[i] - zeroPoint.values[at];
    }
    return new Array(codes.shape, result);
  }

  /**
   * Sums of products; {@code x} is [batch, channels, ...], {@code w} [out, channels of a group,
   * ...].
   */
  private static Array sums(Call call, Array x, Array w) {
    int[] kernel = Arrays.copyOfRange(w.shape, 2, w.rank());
    Window window = Window.of(call, Arrays.copyOfRange(x.shape, 2, x.rank()), kernel);
    int[][] reads = window.reads();
    int groups = call.integer("group", 1);
    int channels = w.shape[1];
    int made = w.shape[0];
    if (x.shape[1] != channels * groups || made % groups != 0) {
      throw new IllegalArgumentException("channels do not fit the weights");
    }
    int[] shape = x.shape.clone();
    shape[1] = made;
    System.arraycopy(window.out().toArray(), 0, shape, 2, kernel.length);
    Array y = Array.zeros(shape);
    int inner = window.in().product();
    int taps = window.kernel().product();
    for (int i = 0; i < y.values.length; i++) {
      int position = i % reads.length;
      int channel = i / reads.length % made;
      int batch = i / reads.length / made;
      int first = batch * x.shape[1] + channel / (made / groups) * channels;
      double sum = 0;
      for (int c = 0; c < channels; c++) {
        for (int tap = 0; tap < taps; tap++) {
          int from = reads[position][tap];
          if (from >= 0) {
            sum +=
                x.values[(first + c) * inner + from]
                    * w.values[(channel * channels + c) * taps + tap];
          }
        }
      }
      y.values[i] = sum;
    }
    return y;
  }

  /**
   * The transpose of a convolution: what a convolution would read for an element, gets that element
   * times the weight. Weights are [channels, out of a group, ...].
   */
  private static Tensor convTranspose(Call call) {
    Array x = call.array(0);
    Array w = call.array(1);
    int[] kernel = Arrays.copyOfRange(w.shape, 2, w.rank());
    Window window = transposed(call, Arrays.copyOfRange(x.shape, 2, x.rank()), kernel);
    int[][] reads = window.reads();
    int groups = call.integer("group", 1);
    int channels = x.shape[1];
    int made = w.shape[1];
    int[] shape = x.shape.clone();
    shape[1] = made * groups;
    System.arraycopy(window.in().toArray(), 0, shape, 2, kernel.length);
    Array y = Array.zeros(shape);
    int taps = window.kernel().product();
    int inner = window.in().product();
    for (int i = 0; i < x.values.length; i++) {
      int position = i % reads.length;
      int channel = i / reads.length % channels;
      int batch = i / reads.length / channels;
      int first = batch * shape[1] + channel / (channels / groups) * made;
      for (int m = 0; m < made; m++) {
        for (int tap = 0; tap < taps; tap++) {
          int to = reads[position][tap];
          if (to >= 0) {
            y.values[(first + m) * inner + to] +=
                x.values[i] * w.values[(channel * made + m) * taps + tap];
          }
        }
      }
    }
    return withBias(call, y).to(call.type());
  }

  /** The window of the convolution that a ConvTranspose is the transpose of. */
  private static Window transposed(Call call, int[] in, int[] kernel) {
    int axes = in.length;
    int[] ones = new int[axes];
    Arrays.fill(ones, 1);
    int[] strides = call.integers("strides", ones);
    int[] dilations = call.integers("dilations", ones);
    int[] more = call.integers("output_padding", new int[axes]);
    int[] pads = call.integers("pads", new int[2 * axes]).clone();
    int[] wanted = call.integers("output_shape");
    String auto = call.text("auto_pad", "NOTSET");
    int[] out = new int[axes];
    for (int i = 0; i < axes; i++) {
      int full = strides[i] * (in[i] - 1) + more[i] + (kernel[i] - 1) * dilations[i] + 1;
      if (wanted.length > 0 || auto.startsWith("SAME")) {
        out[i] = wanted.length > 0 ? wanted[wanted.length - axes + i] : in[i] * strides[i];
        int total = Math.max(0, full - out[i]);
        pads[i] = auto.equals("SAME_UPPER") ? total / 2 : total - total / 2;
        pads[axes + i] = total - pads[i];
      } else {
        out[i] = full - pads[i] - pads[axes + i];
      }
    }
    return new Window(
        Window.Axes.of(out),
        Window.Axes.of(in),
        Window.Axes.of(kernel),
        Window.Axes.of(strides),
        Window.Axes.of(dilations),
        Window.Axes.of(Arrays.copyOf(pads, axes)),
        Window.Axes.of(Arrays.copyOfRange(pads, axes, 2 * axes)));
  }

  private static Array withBias(Call call, Array y) {
    Array bias = call.arrayOrZeros(2, y.shape[1]);
    int inner = y.product(2, y.rank());
    Arrays.setAll(y.values, i -> y.values[i] + bias.values[i / inner % y.shape[1]]);
    return y;
  }
}
