package dev.octet.engine.operators;

import static dev.octet.graph.DataType.DOUBLE;
import static dev.octet.graph.DataType.INT32;
import static dev.octet.graph.DataType.INT8;
import static dev.octet.graph.DataType.UINT8;

import dev.octet.engine.reference.ModelBuilder;
import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** MatMul and Gemm of any operands, and what is fused with them, against ONNX Runtime. */
class ProductTest {

  static Stream<Trial> trials() {
    return Stream.of(
            shapes(),
            gemms(),
            types(),
            followed(),
            attentions(),
            quantized(),
            quantizedAttentions())
        .flatMap(List::stream);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("trials")
  void agreesWithOnnxRuntime(Trial trial) {
    trial.check();
  }

  private static long[] of(long... values) {
    return values;
  }

  private static List<Trial> shapes() {
    List<Trial> trials = new ArrayList<>();
    for (long[][] pair :
        new long[][][] {
          {of(3, 4), of(4, 5)},
          {of(2, 3, 4), of(4, 5)},
          {of(3, 4), of(2, 4, 5)},
          {of(2, 1, 3, 4), of(6, 4, 5)},
          {of(2, 6, 3, 4), of(1, 6, 4, 5)},
          {of(4), of(4, 5)},
          {of(3, 4), of(4)},
          {of(4), of(4)},
          {of(4), of(2, 4, 5)},
          {of(2, 3, 4), of(4)},
          {of(1, 1), of(1, 1)},
          {of(7, 3, 1), of(7, 1, 5)}
        }) {
      String name = Arrays.toString(pair[0]) + Arrays.toString(pair[1]);
      trials.add(Trial.of(name, net -> net.node("MatMul", net.input(pair[0]), net.input(pair[1]))));
      trials.add(
          Trial.of(
              "constant " + name,
              net -> net.node("MatMul", net.input(pair[0]), net.weight(1, pair[1]))));
    }
    return trials;
  }

  private static List<Trial> gemms() {
    List<Trial> trials = new ArrayList<>();
    for (int transA : new int[] {0, 1}) {
      for (int transB : new int[] {0, 1}) {
        for (long[] c : List.of(of(), of(5), of(1, 5), of(3, 1), of(3, 5), of(1))) {
          for (boolean constant : new boolean[] {false, true}) {
            trials.add(
                Trial.of(
                    "Gemm " + transA + transB + Arrays.toString(c) + constant,
                    net -> {
                      long[] a = transA == 1 ? of(4, 3) : of(3, 4);
                      long[] b = transB == 1 ? of(5, 4) : of(4, 5);
                      net.node(
                          "Gemm",
                          Map.of("transA", transA, "transB", transB, "alpha", 0.3, "beta", 1.7),
                          net.input(a),
                          constant ? net.weight(1, b) : net.input(b),
                          net.input(c));
                    }));
          }
        }
      }
    }
    trials.add(
        Trial.of("Gemm without C", net -> net.node("Gemm", net.input(3, 4), net.input(4, 5))));
    trials.add(
        Trial.of(
            "Gemm with beta 0",
            net ->
                net.node(
                    "Gemm", Map.of("beta", 0.0), net.input(3, 4), net.input(4, 5), net.input(5))));
    return trials;
  }

  private static List<Trial> types() {
    List<Trial> trials = new ArrayList<>();
    for (DataType type : List.of(INT32, DOUBLE)) {
      for (long[][] pair :
          new long[][][] {
            {of(3, 4), of(4, 5)},
            {of(2, 1, 3, 4), of(6, 4, 5)},
            {of(4), of(2, 4, 5)},
            {of(4), of(4)}
          }) {
        trials.add(
            Trial.of(
                type + Arrays.toString(pair[0]) + Arrays.toString(pair[1]),
                net ->
                    net.node(
                        "MatMul",
                        net.input(net.whole(type, -9, 9, pair[0])),
                        net.input(net.whole(type, -9, 9, pair[1])))));
      }
    }
    return trials;
  }

  private static List<Trial> followed() {
    List<Trial> trials = new ArrayList<>();
    trials.add(
        new Trial(
            "bias, GELU",
            20,
            1e-5,
            net -> {
              Value x = net.node("MatMul", net.input(2, 3, 16), net.weight(0.3, 16, 32));
              net.node("Gelu", net.node("Add", net.weight(1, 32), x));
            }));
    trials.add(
        Trial.of(
            "bias, residual, normalization",
            net -> {
              Value x = net.input(2, 3, 16);
              Value y = net.node("MatMul", x, net.weight(0.3, 16, 16));
              Value sum = net.node("Add", x, net.node("Add", y, net.weight(1, 16)));
              net.node("LayerNormalization", sum, net.weight(1, 16), net.weight(1, 16));
            }));
    trials.add(
        Trial.of(
            "a scalar is no row",
            net ->
                net.node(
                    "Add",
                    net.node("MatMul", net.input(2, 3, 4), net.weight(1, 4, 1)),
                    net.weight(1, 1))));
    trials.add(
        Trial.of(
            "a sum that grows the product",
            net ->
                net.node(
                    "Add",
                    net.node("MatMul", net.input(3, 4), net.input(4, 5)),
                    net.weight(1, 2, 3, 5))));
    trials.add(
        Trial.of(
            "a product of vectors plus a row",
            net ->
                net.node(
                    "Add", net.node("MatMul", net.input(4), net.input(4, 5)), net.weight(1, 5))));
    trials.add(
        Trial.of(
            "columns plus a vector",
            net ->
                net.node(
                    "Add",
                    net.node("MatMul", net.input(2, 3, 4), net.input(4)),
                    net.weight(1, 3))));
    trials.add(
        Trial.of(
            "a product that is read twice",
            net -> {
              Value y = net.node("MatMul", net.input(3, 4), net.input(4, 5));
              net.node("Mul", y, net.floats(0.5));
              net.node("Add", y, net.weight(1, 5));
            }));
    return trials;
  }

  private static Value heads(ModelBuilder net, Value x, long... perm) {
    Value split = net.node("Reshape", x, net.longs(0, 0, 4, 8));
    return net.node("Transpose", Map.of("perm", perm), split);
  }

  private static List<Trial> attentions() {
    List<Trial> trials = new ArrayList<>();
    for (String scale : List.of("Div", "Mul")) {
      trials.add(
          Trial.of(
              "attention, " + scale,
              net -> {
                Value x = net.input(2, 5, 32);
                Value q = net.node("MatMul", x, net.weight(0.3, 32, 32));
                Value k = net.node("MatMul", x, net.weight(0.3, 32, 32));
                Value v = net.node("MatMul", x, net.weight(0.3, 32, 32));
                Value scores =
                    net.node("MatMul", heads(net, q, 0, 2, 1, 3), heads(net, k, 0, 2, 3, 1));
                Value scaled = net.node(scale, scores, net.floats(2.5));
                Value mask = net.input(2, 1, 1, 5);
                Value shares = net.node("Softmax", net.node("Add", scaled, mask));
                Value context = net.node("MatMul", shares, heads(net, v, 0, 2, 1, 3));
                Value turned = net.node("Transpose", Map.of("perm", of(0, 2, 1, 3)), context);
                net.node("Reshape", turned, net.longs(0, 0, -1));
              }));
    }
    return trials;
  }

  private record Scale(Value scale, Value zero) {
    static Scale of(ModelBuilder net, DataType type, double scale, int zero) {
      return new Scale(
          net.floats(scale), net.constant(Tensor.ofRaw(type, new byte[] {(byte) zero})));
    }

    Value pair(ModelBuilder net, Value x) {
      Value q = net.node("QuantizeLinear", x, scale, zero);
      return net.node("DequantizeLinear", q, scale, zero);
    }
  }

  /** As exporters and quantizers write it; at most two quanta off after three roundings. */
  private static List<Trial> quantizedAttentions() {
    return List.of(
        new Trial(
            "attention in integers",
            17,
            2 * 0.02 / 1.5,
            net -> {
              Scale in = Scale.of(net, UINT8, 0.03, 121);
              Scale mid = Scale.of(net, UINT8, 0.05, 133);
              Scale part = Scale.of(net, UINT8, 1 / 255.0, 0);
              Scale out = Scale.of(net, UINT8, 0.02, 127);
              Value x = in.pair(net, net.input(2, 5, 32));
              Value[] qkv = new Value[3];
              for (int i = 0; i < qkv.length; i++) {
                Value weights = net.constant(net.whole(INT8, -127, 127, 32, 32));
                Value w =
                    net.node(
                        "DequantizeLinear",
                        weights,
                        net.floats(0.003),
                        net.constant(Tensor.ofRaw(INT8, new byte[1])));
                Value y = net.node("Add", net.node("MatMul", x, w), net.weight(1, 32));
                Value split = net.node("Reshape", mid.pair(net, y), net.longs(0, 0, 4, 8));
                long[] perm = i == 1 ? of(0, 2, 3, 1) : of(0, 2, 1, 3);
                Value turned = net.node("Transpose", Map.of("perm", perm), mid.pair(net, split));
                qkv[i] = mid.pair(net, turned);
              }
              Value scores = net.node("MatMul", qkv[0], qkv[1]);
              Value scaled = net.node("Div", scores, net.floats(3));
              Value shares = net.node("Softmax", net.node("Add", scaled, net.input(2, 1, 1, 5)));
              Value context = net.node("MatMul", part.pair(net, shares), qkv[2]);
              Value turned =
                  net.node("Transpose", Map.of("perm", of(0, 2, 1, 3)), out.pair(net, context));
              net.node("Reshape", out.pair(net, turned), net.longs(0, 0, -1));
            }));
  }

  /** Both sides compute with the same integers; where the result is not rounded they agree. */
  private static List<Trial> quantized() {
    List<Trial> trials = new ArrayList<>();
    for (DataType left : List.of(UINT8, INT8)) {
      for (DataType right : List.of(UINT8, INT8)) {
        for (int zero : new int[] {0, 7}) {
          trials.add(
              Trial.of(
                  "integers of " + left + " and " + right + " around " + zero,
                  net -> {
                    int zeroLeft = left == UINT8 ? 128 + zero : zero;
                    int zeroRight = right == UINT8 ? 128 + zero : zero;
                    Value a = Scale.of(net, left, 0.03, zeroLeft).pair(net, net.input(2, 6, 16));
                    Value b = Scale.of(net, right, 0.04, zeroRight).pair(net, net.input(2, 16, 9));
                    net.node("Mul", net.node("MatMul", a, b), net.floats(0.3));
                  }));
        }
      }
    }
    for (int zero : new int[] {0, 131}) {
      trials.add(
          Trial.of(
              "constant integers per column, around " + zero,
              net -> {
                Value a = Scale.of(net, UINT8, 0.03, zero).pair(net, net.input(2, 6, 16));
                Value weights = net.constant(net.whole(INT8, -127, 127, 16, 9));
                float[] scales = new float[9];
                for (int i = 0; i < scales.length; i++) {
                  scales[i] = 0.001f * (i + 1);
                }
                Value scale = net.constant(Tensor.ofFloats(scales, 9));
                Value zeros = net.constant(Tensor.ofRaw(INT8, new byte[9], 9));
                Value w = net.node("DequantizeLinear", Map.of("axis", 1), weights, scale, zeros);
                Value y = net.node("Add", net.node("MatMul", a, w), net.weight(1, 9));
                net.node("Gelu", y);
              }));
    }
    return trials.stream().map(t -> new Trial(t.name(), 20, 1e-5, t.body())).toList();
  }
}
