package dev.octet.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.engine.reference.Closeness;
import dev.octet.engine.reference.ModelBuilder;
import dev.octet.engine.reference.OrtReference;
import dev.octet.engine.reference.Reference;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Convolutions and their transposes of any geometry. */
class ConvolutionsTest {
  private static final EngineOptions ONE = EngineOptions.defaults().withThreads(1);

  private static final int LAYERS = 400;

  /** A layer of random geometry. */
  private static final class Layer {
    final boolean transposed;
    final Random random;
    final long[] input;
    final long[] weights;
    final Map<String, Object> attributes = new LinkedHashMap<>();

    Layer(long seed, boolean transposed) {
      this.transposed = transposed;
      random = new Random(seed);
      int axes = between(1, 3);
      int groups = between(0, 3) == 0 ? between(2, 4) : 1;
      int from = between(1, 6) * groups;
      int to = between(1, 6) * groups;
      input = new long[axes + 2];
      weights = new long[axes + 2];
      input[0] = between(1, 2);
      input[1] = from;
      weights[0] = transposed ? from : to;
      weights[1] = transposed ? to / groups : from / groups;
      long[] strides = new long[axes];
      long[] dilations = new long[axes];
      long[] pads = new long[2 * axes];
      long[] more = new long[axes];
      long[] shape = new long[axes];
      for (int i = 0; i < axes; i++) {
        input[i + 2] = between(1, 9);
        weights[i + 2] = between(1, 4);
        strides[i] = between(1, 3);
        dilations[i] = between(1, 3);
        long reach = (weights[i + 2] - 1) * dilations[i] + 1;
        pads[i] = between(0, (int) reach - 1);
        pads[i + axes] = between(0, (int) reach - 1);
        if (transposed) {
          more[i] = between(0, (int) strides[i] - 1);
          long full = (input[i + 2] - 1) * strides[i] + reach + more[i];
          while (full - pads[i] - pads[i + axes] < 1) {
            pads[i] = Math.max(0, pads[i] - 1);
            pads[i + axes] = Math.max(0, pads[i + axes] - 1);
          }
          shape[i] = Math.max(1, full - between(0, 3));
        } else {
          // Now and then a window lies in padding alone.
          pads[i] += between(0, 9) == 0 ? reach : 0;
          input[i + 2] = Math.max(input[i + 2], reach - pads[i] - pads[i + axes]);
        }
      }
      attributes.put("group", groups);
      attributes.put("strides", strides);
      attributes.put("dilations", dilations);
      int kind = between(0, 5);
      if (kind == 0) {
        attributes.put("auto_pad", between(0, 1) == 0 ? "SAME_UPPER" : "SAME_LOWER");
        // Runtimes disagree on both at once.
        attributes.put("dilations", ones(axes));
        if (transposed) {
          Arrays.setAll(strides, i -> Math.min(strides[i], weights[i + 2]));
        }
      } else if (kind == 1 && transposed) {
        attributes.put("output_shape", shape);
        attributes.put("output_padding", more);
      } else {
        attributes.put("pads", pads);
        if (transposed) {
          attributes.put("output_padding", more);
        }
      }
    }

    private static long[] ones(int count) {
      long[] ones = new long[count];
      Arrays.fill(ones, 1);
      return ones;
    }

    int between(int low, int high) {
      return low + random.nextInt(high - low + 1);
    }

    String op() {
      return transposed ? "ConvTranspose" : "Conv";
    }

    long outputs() {
      return transposed ? weights[1] * (int) attributes.get("group") : weights[0];
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder(op());
      text.append(Arrays.toString(input)).append(Arrays.toString(weights));
      attributes.forEach(
          (name, value) ->
              text.append(' ')
                  .append(name)
                  .append(value instanceof long[] longs ? Arrays.toString(longs) : value));
      return text.toString();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void floatsAgreeWithOnnxRuntime(boolean transposed) {
    for (int seed = 0; seed < LAYERS; seed++) {
      Layer layer = new Layer(seed, transposed);
      ModelBuilder net = new ModelBuilder(17, seed);
      Value y =
          net.node(
              layer.op(),
              layer.attributes,
              net.input(layer.input),
              net.weight(0.5, layer.weights),
              net.weight(1, layer.outputs()));
      if (layer.between(0, 1) == 0) {
        net.node("Relu", y);
      }
      Model model = net.model();
      Map<String, Tensor> wanted = OrtReference.outputs(model, net.feeds());
      run(layer, model, net.feeds())
          .forEach((name, tensor) -> Closeness.check(layer + name, tensor, wanted.get(name), 1e-5));
    }
  }

  /** An input that is rounded the other way changes results by up to a weight. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void integersAgreeWithTheReference(boolean transposed) {
    List<String> wrong = new ArrayList<>();
    for (int seed = 0; seed < LAYERS; seed++) {
      Layer layer = new Layer(seed, transposed);
      QuantizedNet q = new QuantizedNet(seed);
      int zero = layer.between(0, 2) == 0 ? 0 : layer.between(1, 200);
      Value x = q.grid(q.net.input(layer.input), 0.03, DataType.UINT8, zero);
      Value w = q.weights(transposed ? 1 : 0, layer.weights);
      Value y =
          layer.between(0, 1) == 0
              ? q.net.node(layer.op(), layer.attributes, x, w)
              : q.net.node(layer.op(), layer.attributes, x, w, q.net.weight(1, layer.outputs()));
      if (layer.between(0, 1) == 0) {
        y = q.net.node("Relu", y);
      }
      q.quantize(y, 0.03, DataType.UINT8, 100);
      Model model = q.net.model();
      Map<String, Tensor> wanted = Reference.run(model, q.net.feeds());
      run(layer, model, q.net.feeds())
          .forEach(
              (name, tensor) -> {
                double off = Closeness.largestDifference(tensor, wanted.get(name));
                if (off > 2) {
                  wrong.add(layer + ", zero point " + zero + ": off by " + off);
                }
              });
    }
    assertThat(wrong).isEmpty();
  }

  private static Map<String, Tensor> run(Layer layer, Model model, Map<String, Tensor> feeds) {
    try (Engine engine = Engine.load(model, ONE)) {
      return engine.run(feeds);
    } catch (UnsupportedNodeException refused) {
      throw new AssertionError(layer.toString(), refused);
    }
  }

  /** Channels that do not fill a block, and a result of another type: found by the fuzzer. */
  @Test
  void aQuantizedProductOfBlockedLayouts() {
    QuantizedNet q = new QuantizedNet(1);
    Value y =
        q.net.node(
            "ConvTranspose",
            Map.of("pads", new long[] {1, 1, 1, 1}),
            q.net.input(2, 4, 6, 6),
            q.net.weight(0.3, 4, 4, 3, 3));
    q.quantize(q.net.node("Mul", q.net.node("Sigmoid", y), y), 0.02, DataType.UINT8, 128);
    agrees(q);
  }

  private static void agrees(QuantizedNet q) {
    Model model = q.net.model();
    Map<String, Tensor> wanted = Reference.run(model, q.net.feeds());
    try (Engine engine = Engine.load(model, ONE)) {
      engine
          .run(q.net.feeds())
          .forEach(
              (name, tensor) ->
                  assertThat(Closeness.largestDifference(tensor, wanted.get(name)))
                      .isLessThanOrEqualTo(1));
    }
  }

  /** As on a CPU that cannot add up products of bytes exactly. */
  @Test
  void floatLayersBesideQuantizedResiduals() {
    QuantizedNet q = new QuantizedNet(2);
    Value x = q.grid(q.net.input(1, 16, 10, 10), 0.02, DataType.UINT8, 9);
    Value y = q.net.node("Conv", x, q.net.weight(0.1, 16, 16, 1, 1));
    q.quantize(q.net.node("Relu", q.net.node("Add", y, x)), 0.05, DataType.UINT8, 0);
    Value rows = q.grid(q.net.input(5, 12), 0.02, DataType.UINT8, 9);
    Value sums = q.net.node("MatMul", rows, q.net.weight(0.1, 12, 12));
    q.quantize(q.net.node("Add", sums, rows), 0.05, DataType.UINT8, 90);
    agrees(q);
  }

  @Test
  void weightsMayBeComputed() {
    ModelBuilder net = new ModelBuilder(17, 1);
    Value x = net.input(1, 4, 5, 6);
    net.node("Conv", Map.of("group", 2), x, net.node("Relu", net.input(6, 2, 3, 2)));
    net.node("ConvTranspose", Map.of("group", 2), x, net.node("Relu", net.input(4, 3, 2, 3)));
    Model model = net.model();
    Map<String, Tensor> wanted = OrtReference.outputs(model, net.feeds());
    try (Engine engine = Engine.load(model, ONE)) {
      engine
          .run(net.feeds())
          .forEach((name, tensor) -> Closeness.check(name, tensor, wanted.get(name), 1e-5));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "strides, 4294967297, beyond 32 bits",
    "strides, 0, not positive",
    "dilations, -1, not positive",
    "output_padding, -1, output_padding is negative",
    "output_padding, 9, by a stride or more",
    "output_shape, 2147483648, size is 2147483648",
    "output_shape, 0, size is 0",
    "pads, -1, padding is negative",
    "pads, 1000, size is",
    "kernel_shape, 4, kernel_shape is not",
    "group, 3, do not fit weights"
  })
  void absurdAttributesAreNamed(String attribute, long number, String message) {
    ModelBuilder net = new ModelBuilder(17, 1);
    long[] numbers = attribute.equals("pads") ? new long[] {number, 0} : new long[] {number};
    Object value = attribute.equals("group") ? (Object) number : numbers;
    net.node("ConvTranspose", Map.of(attribute, value), net.input(1, 4, 9), net.weight(1, 4, 2, 3));
    try (Engine engine = Engine.load(net.model(), ONE)) {
      assertThatThrownBy(() -> engine.run(net.feeds()))
          .isInstanceOf(UnsupportedNodeException.class)
          .hasMessageContaining(message);
    }
  }
}
