package dev.octet.engine.reference;

import dev.octet.engine.reference.QuantizedLayers.Activation;
import dev.octet.engine.reference.QuantizedLayers.Shape;
import dev.octet.graph.Value;
import java.util.List;
import java.util.Map;

/**
 * One block of a transformer: products with weights and of activations in integers, softmax,
 * normalization and GELU in float, heads split and joined by Reshape and Transpose.
 */
final class RandomTransformer {
  private final ModelBuilder net;
  private final QuantizedLayers layers;
  private final int batch;
  private final int length;
  private final int heads;
  private final int depth;

  RandomTransformer(ModelBuilder net) {
    this.net = net;
    layers = new QuantizedLayers(net);
    batch = layers.between(1, 2);
    length = layers.between(1, 9);
    heads = layers.between(1, 3);
    depth = layers.between(4, 9); // normalizing two or three numbers is ill-conditioned
  }

  void build() {
    int width = heads * depth;
    Value x = net.input(batch, length, width);
    if (layers.chance(80)) {
      x = normalized(net.node("Add", attention(rounded(x, 1), width), x), width);
    }
    if (layers.chance(80)) {
      normalized(net.node("Add", feedForward(rounded(x, 1), width), x), width);
    } else {
      net.node("Tanh", x);
    }
  }

  private Activation rounded(Value x, double spread) {
    return layers.quantized(x, new Shape(batch, 1, List.of()), spread, false);
  }

  private Value attention(Activation x, int width) {
    Value query = split(x, width, 0, 2, 1, 3);
    Value key = split(x, width, 0, 2, 3, 1);
    Value value = split(x, width, 0, 2, 1, 3);
    Value scores = net.node("MatMul", query, key);
    if (layers.chance(30)) {
      scores = rounded(scores, Math.sqrt(depth)).real();
    }
    Value scaled = net.node("Div", scores, net.floats(Math.sqrt(depth)));
    Value shares = net.node("Softmax", Map.of("axis", -1), scaled);
    Activation codes = layers.quantized(shares, new Shape(batch, 1, List.of()), 1.0 / length, true);
    Value mixed = rounded(net.node("MatMul", codes.real(), value), 1).real();
    Value turned = net.node("Transpose", Map.of("perm", new long[] {0, 2, 1, 3}), mixed);
    Value joined = net.node("Reshape", turned, net.longs(0, 0, -1));
    return layers.linear(rounded(joined, 1), width, width);
  }

  /** A projection, its features split over heads; most are rounded before, some after. */
  private Value split(Activation x, int width, long... order) {
    Value y = layers.linear(x, width, width);
    boolean before = layers.chance(70);
    Value real = before ? rounded(y, 1).real() : y;
    Value parts = net.node("Reshape", real, net.longs(0, 0, heads, depth));
    Value turned = net.node("Transpose", Map.of("perm", order), parts);
    return before ? turned : rounded(turned, 1).real();
  }

  private Value feedForward(Activation x, int width) {
    int wide = layers.between(1, 20);
    Value y = layers.linear(x, width, wide);
    return layers.linear(rounded(gelu(y), 0.6), wide, width);
  }

  /** As one operator, or spelled out as older exports do. */
  private Value gelu(Value x) {
    if (layers.chance(30)) {
      return net.node("Gelu", x);
    }
    Value erf = net.node("Erf", net.node("Div", x, net.floats(Math.sqrt(2))));
    Value share = net.node("Add", erf, net.floats(1));
    return net.node("Mul", net.node("Mul", x, share), net.floats(0.5));
  }

  private Value normalized(Value x, int width) {
    return net.node(
        "LayerNormalization",
        Map.of("axis", -1, "epsilon", 1e-5),
        x,
        net.weight(1, width),
        net.weight(0.3, width));
  }
}
