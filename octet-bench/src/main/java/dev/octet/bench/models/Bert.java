package dev.octet.bench.models;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * BERT's encoder (Devlin et al. 2019) as common exporters write it: dense layers are MatMul and
 * Add, heads are split by shapes computed at run time, GELU is spelled out with Erf.
 *
 * <p>Inputs {@code input_ids}, {@code attention_mask} and {@code token_type_ids}, int64 [batch,
 * sequence]; outputs {@code last_hidden_state} [batch, sequence, hidden] and {@code pooler_output}
 * [batch, hidden].
 */
final class Bert {
  static final int VOCABULARY = 30_522;
  private static final int POSITIONS = 512;
  private static final int HIDDEN = 768;
  private static final int HEADS = 12;
  private static final int WIDE = 3072;

  private final Layers net = new Layers("bert");

  private Bert() {}

  /** BERT-base with fewer layers, or all 12. */
  static Model build(int layers) {
    return new Bert().model(layers);
  }

  private Model model(int layers) {
    Value ids = net.input("input_ids", DataType.INT64, "batch", "sequence");
    Value mask = net.input("attention_mask", DataType.INT64, "batch", "sequence");
    Value types = net.input("token_type_ids", DataType.INT64, "batch", "sequence");
    Value added = addedMask(mask);
    Value x = embeddings(ids, types);
    for (int i = 0; i < layers; i++) {
      String name = "encoder/layer." + i;
      x = norm(name + "/attention/output", x, attention(name + "/attention", x, added));
      x = norm(name + "/output", x, feedForward(name, x));
    }
    Value first = net.node("pooler", "Gather", Map.of("axis", 1), x, net.integer(0));
    Value pooled = net.node("pooler", "Tanh", net.dense("pooler.dense", first, HIDDEN, HIDDEN));
    net.output("last_hidden_state", x, "batch", "sequence", HIDDEN);
    net.output("pooler_output", pooled, "batch", HIDDEN);
    return net.model();
  }

  /** 0 where a token counts, -10000 where it is padding; [batch, 1, 1, sequence]. */
  private Value addedMask(Value mask) {
    Value wide = net.node("mask", "Unsqueeze", mask, net.integers(1, 2));
    Value real = net.node("mask", "Cast", Map.of("to", DataType.FLOAT.code()), wide);
    Value padding = net.node("mask", "Sub", net.scalar(1), real);
    return net.node("mask", "Mul", padding, net.scalar(-10_000));
  }

  private Value embeddings(Value ids, Value types) {
    String name = "embeddings";
    Value length = size(name, ids, 1);
    long[] numbers = LongStream.range(0, POSITIONS).toArray();
    Value positions =
        net.node(
            name,
            "Slice",
            net.constant(name + ".position_ids", Tensor.ofLongs(numbers, 1, POSITIONS)),
            net.integers(0),
            length,
            net.integers(1),
            net.integers(1));
    Value words = looked(name + ".word_embeddings", VOCABULARY, ids);
    Value kinds = looked(name + ".token_type_embeddings", 2, types);
    Value sum = net.node(name, "Add", words, kinds);
    return norm(name, sum, looked(name + ".position_embeddings", POSITIONS, positions));
  }

  private Value looked(String name, int rows, Value ids) {
    return net.node(name, "Gather", net.normal(name + ".weight", 0.5, rows, HIDDEN), ids);
  }

  /** Dimension {@code axis} of {@code x} as a vector of one. */
  private Value size(String name, Value x, int axis) {
    Value shape = net.node(name, "Shape", x);
    Value size = net.node(name, "Gather", Map.of("axis", 0), shape, net.integer(axis));
    return net.node(name, "Unsqueeze", size, net.integers(0));
  }

  private Value attention(String name, Value x, Value added) {
    Value query = heads(name + "/self/query", x, 0, 2, 1, 3);
    Value key = heads(name + "/self/key", x, 0, 2, 3, 1);
    Value value = heads(name + "/self/value", x, 0, 2, 1, 3);
    String self = name + "/self";
    Value scores = net.node(self, "MatMul", query, key);
    Value scaled = net.node(self, "Div", scores, net.scalar(Math.sqrt(HIDDEN / (double) HEADS)));
    Value masked = net.node(self, "Add", scaled, added);
    Value shares = net.node(self, "Softmax", Map.of("axis", -1), masked);
    Value mixed = net.node(self + "/context", "MatMul", shares, value);
    Value turned = net.node(self, "Transpose", Map.of("perm", new long[] {0, 2, 1, 3}), mixed);
    Value shape =
        net.node(
            self,
            "Concat",
            Map.of("axis", 0),
            size(self, turned, 0),
            size(self, turned, 1),
            net.integers(HIDDEN));
    return linear(name + "/output/dense", net.node(self, "Reshape", turned, shape), HIDDEN, HIDDEN);
  }

  /** A projection, its features split over heads. */
  private Value heads(String name, Value x, long... order) {
    Value y = linear(name, x, HIDDEN, HIDDEN);
    Value shape =
        net.node(
            name,
            "Concat",
            Map.of("axis", 0),
            size(name, y, 0),
            size(name, y, 1),
            net.integers(HEADS),
            net.integers(HIDDEN / HEADS));
    Value split = net.node(name, "Reshape", y, shape);
    return net.node(name, "Transpose", Map.of("perm", order), split);
  }

  private Value feedForward(String name, Value x) {
    String wide = name + "/intermediate";
    Value y = linear(wide + "/dense", x, HIDDEN, WIDE);
    Value erf = net.node(wide, "Erf", net.node(wide, "Div", y, net.scalar(Math.sqrt(2))));
    Value share = net.node(wide, "Add", erf, net.scalar(1));
    Value gelu = net.node(wide, "Mul", net.node(wide, "Mul", y, share), net.scalar(0.5));
    return linear(name + "/output/dense", gelu, WIDE, HIDDEN);
  }

  private Value linear(String name, Value x, int in, int out) {
    Value weights = net.normal(name + ".weight", Math.sqrt(1.0 / in), in, out);
    Value product = net.node(name, "MatMul", x, weights);
    return net.node(name, "Add", net.normal(name + ".bias", 0.05, out), product);
  }

  /** The normalized sum. */
  private Value norm(String name, Value x, Value branch) {
    Value sum = net.node(name, "Add", branch, x);
    return net.node(
        name + "/LayerNorm",
        "LayerNormalization",
        Map.of("axis", -1, "epsilon", 1e-12),
        sum,
        net.near(name + ".LayerNorm.weight", 1, HIDDEN),
        net.normal(name + ".LayerNorm.bias", 0.05, HIDDEN));
  }
}
