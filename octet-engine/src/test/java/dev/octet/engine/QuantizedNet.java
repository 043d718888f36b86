package dev.octet.engine;

import dev.octet.engine.reference.ModelBuilder;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;

/** Layers with QuantizeLinear and DequantizeLinear around them, as quantizers write them. */
final class QuantizedNet {
  final ModelBuilder net;
  private final Random random;

  QuantizedNet(long seed) {
    net = new ModelBuilder(21, seed);
    random = new Random(seed);
  }

  /** QuantizeLinear, per tensor. */
  Value quantize(Value real, double scale, DataType type, int zeroPoint) {
    return net.node("QuantizeLinear", real, net.floats(scale), zero(type, zeroPoint));
  }

  /** DequantizeLinear, per tensor. */
  Value dequantize(Value integers, double scale, DataType type, int zeroPoint) {
    return net.node("DequantizeLinear", integers, net.floats(scale), zero(type, zeroPoint));
  }

  /** Both: the same numbers on the grid. */
  Value grid(Value real, double scale, DataType type, int zeroPoint) {
    return dequantize(quantize(real, scale, type, zeroPoint), scale, type, zeroPoint);
  }

  private Value zero(DataType type, int zeroPoint) {
    return net.constant(Tensor.ofRaw(type, new byte[] {(byte) zeroPoint}));
  }

  /** Signed bytes under scales along {@code axis}. */
  Value weights(int axis, long... shape) {
    float[] scales = new float[(int) shape[axis]];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = 0.002f + 0.01f * random.nextFloat();
    }
    byte[] zeros = new byte[scales.length];
    return net.node(
        "DequantizeLinear",
        Map.of("axis", axis),
        net.constant(net.whole(DataType.INT8, -127, 127, shape)),
        net.constant(Tensor.ofFloats(scales, scales.length)),
        net.constant(Tensor.ofRaw(DataType.INT8, zeros, zeros.length)));
  }

  /** A convolution of dequantized weights without bias. */
  Value convolution(Value input, Map<String, ?> attributes, long... shape) {
    return net.node("Conv", attributes, input, weights(0, shape));
  }

  /** The same with a bias of 32-bit integers at scale {@code inputScale} times the weights'. */
  Value biased(Value input, double inputScale, Map<String, ?> attributes, long... shape) {
    Value weights = weights(0, shape);
    Value scales = weights.producer() == null ? null : weights.producer().input(1);
    Tensor each = scales == null ? null : scales.constant();
    if (each == null) {
      throw new AssertionError("weights without scales");
    }
    float[] product = each.toFloats();
    for (int i = 0; i < product.length; i++) {
      product[i] *= (float) inputScale;
    }
    int[] integers =
        LongStream.range(0, product.length).mapToInt(i -> random.nextInt(4001) - 2000).toArray();
    Value bias =
        net.node(
            "DequantizeLinear",
            Map.of("axis", 0),
            net.constant(Tensor.ofInts(integers, integers.length)),
            net.constant(Tensor.ofFloats(product, product.length)));
    return net.node("Conv", attributes, input, weights, bias);
  }
}
