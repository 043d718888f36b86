package dev.octet.engine.reference;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Layers as quantizers write them: integers between QuantizeLinear and DequantizeLinear, weights
 * per output channel, biases of 32 bits at input scale times weight scale.
 */
final class QuantizedLayers {

  /**
   * A quantized tensor: what a layer reads, and what is known of it.
   *
   * @param real after DequantizeLinear
   * @param shape batch, channels, spatial sizes
   * @param scale of its codes
   * @param spread about the root of its mean square
   */
  record Activation(Value real, Shape shape, double scale, double spread) {}

  /** Dimensions. */
  record Shape(int batch, int channels, List<Integer> spatial) {}

  private final ModelBuilder net;
  private final Random random;

  QuantizedLayers(ModelBuilder net) {
    this.net = net;
    this.random = net.random();
  }

  int between(int low, int high) {
    return low + random.nextInt(high - low + 1);
  }

  boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  /**
   * Rounds to uint8, or now and then to int8. Some scales are too small for the largest numbers, so
   * that codes saturate.
   */
  Activation quantized(Value real, Shape shape, double spread, boolean positive) {
    double scale = (float) (spread * (1.5 + 6 * random.nextDouble()) / 255);
    boolean signed = chance(20);
    int zero = positive && chance(80) ? 0 : between(60, 190);
    DataType type = signed ? DataType.INT8 : DataType.UINT8;
    return withParameters(real, shape, spread, scale, signed ? zero - 128 : zero, type);
  }

  private Activation withParameters(
      Value real, Shape shape, double spread, double scale, int zero, DataType type) {
    Value step = net.floats(scale);
    Value zeroPoint = net.constant(net.whole(type, zero, zero));
    Value codes = net.node("QuantizeLinear", real, step, zeroPoint);
    Value back = net.node("DequantizeLinear", codes, step, zeroPoint);
    return new Activation(back, shape, scale, spread);
  }

  /**
   * A convolution or, with {@code kernel} null, a Gemm on [batch, channels], before its result is
   * rounded.
   */
  Value weighted(
      Activation x, int out, int group, int @Nullable [] kernel, Map<String, ?> attributes) {
    int channels = x.shape().channels() / group;
    int fanIn = channels * (kernel == null ? 1 : Array.size(kernel));
    long[] shape = new long[kernel == null ? 2 : 2 + kernel.length];
    shape[0] = out;
    shape[1] = channels;
    for (int i = 2; i < shape.length; i++) {
      shape[i] = kernel[i - 2];
    }
    double[] scales = weightScales(chance(80) ? out : 1, fanIn);
    Value w = net.constant(net.whole(DataType.INT8, -127, 127, shape));
    Value weights = dequantized(w, scales, 0, DataType.INT8);
    Value bias = null;
    if (chance(75)) {
      double[] biasScales = Arrays.stream(scales).map(s -> (float) (s * x.scale())).toArray();
      double largest = x.spread() / Arrays.stream(biasScales).max().orElseThrow();
      int bound = (int) Math.min(1 << 24, Math.max(1, largest));
      bias =
          dequantized(
              net.constant(net.whole(DataType.INT32, -bound, bound, out)),
              biasScales,
              0,
              DataType.INT32);
    }
    String op = kernel == null ? "Gemm" : "Conv";
    return bias == null
        ? net.node(op, attributes, x.real(), weights)
        : net.node(op, attributes, x.real(), weights, bias);
  }

  /** MatMul with weights [in, out] and Add of a float bias, before the result is rounded. */
  Value linear(Activation x, int in, int out) {
    double[] scales = weightScales(chance(80) ? out : 1, in);
    Value w = net.constant(net.whole(DataType.INT8, -127, 127, in, out));
    Value y = net.node("MatMul", x.real(), dequantized(w, scales, 1, DataType.INT8));
    return chance(80) ? net.node("Add", net.weight(0.2, out), y) : y;
  }

  /** Codes are spread evenly over 255 steps, 74 in the root of their mean square. */
  private double[] weightScales(int count, int fanIn) {
    double[] scales = new double[count];
    Arrays.setAll(scales, i -> (float) ((0.5 + random.nextDouble()) / 74 / Math.sqrt(fanIn)));
    return scales;
  }

  private Value dequantized(Value codes, double[] scales, int axis, DataType type) {
    long[] shape = scales.length == 1 ? new long[0] : new long[] {scales.length};
    Tensor zeros = net.whole(type, 0, 0, shape);
    return net.node(
        "DequantizeLinear", Map.of("axis", axis), codes, net.floats(scales), net.constant(zeros));
  }
}
