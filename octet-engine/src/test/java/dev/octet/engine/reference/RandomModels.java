package dev.octet.engine.reference;

import dev.octet.engine.reference.QuantizedLayers.Activation;
import dev.octet.engine.reference.QuantizedLayers.Shape;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;

/**
 * Small valid networks with Q/DQ pairs: transformers' blocks, and convolutional networks of one to
 * three spatial axes with convolutions of any stride, padding, dilation and grouping, activations,
 * residual sums, pooling, concatenation, and a dense layer at the end of some.
 */
public final class RandomModels {
  private static final int BLOCKS = 4;

  /**
   * A model and the tensors to run it on.
   *
   * @param seed makes the same model again
   */
  public record Sample(long seed, Model model, Map<String, Tensor> feeds) {
    @Override
    public String toString() {
      return "seed " + seed + "L: " + model.graph();
    }
  }

  private final ModelBuilder net;
  private final QuantizedLayers layers;
  private final int axes;

  private RandomModels(long seed) {
    net = new ModelBuilder(17, seed);
    layers = new QuantizedLayers(net);
    axes = layers.chance(70) ? 2 : layers.between(1, 3);
  }

  /** Any networks. */
  public static Arbitrary<Sample> cnns() {
    return Arbitraries.longs().map(RandomModels::cnn);
  }

  /** Any blocks of transformers. */
  public static Arbitrary<Sample> transformers() {
    return Arbitraries.longs().map(RandomModels::transformer);
  }

  /** The block of a transformer that {@code seed} stands for. */
  public static Sample transformer(long seed) {
    ModelBuilder net = new ModelBuilder(20, seed);
    new RandomTransformer(net).build();
    return new Sample(seed, net.model(), net.feeds());
  }

  /** The network that {@code seed} stands for. */
  public static Sample cnn(long seed) {
    RandomModels models = new RandomModels(seed);
    models.build();
    return new Sample(seed, models.net.model(), models.net.feeds());
  }

  private void build() {
    int batch = layers.between(1, 3);
    int channels = layers.chance(50) ? layers.between(1, 9) : 16;
    long[] dims = new long[2 + axes];
    Arrays.fill(dims, layers.between(6, axes == 3 ? 8 : 14));
    dims[0] = batch;
    dims[1] = channels;
    dims[dims.length - 1] += layers.between(0, 3);
    List<Integer> spatial = new ArrayList<>();
    for (int i = 2; i < dims.length; i++) {
      spatial.add((int) dims[i]);
    }
    Activation x = layers.quantized(net.input(dims), new Shape(batch, channels, spatial), 1, false);
    int blocks = layers.between(1, BLOCKS);
    for (int i = 0; i < blocks; i++) {
      x = block(x);
    }
    if (layers.chance(50)) {
      head(x);
    }
  }

  private Activation block(Activation x) {
    return switch (layers.between(0, 6)) {
      case 0 -> pool(x, "MaxPool");
      case 1 -> pool(x, "AveragePool");
      case 2 -> residual(x);
      case 3 -> concat(x);
      case 4 -> depthwise(x);
      default -> conv(x, layers.between(1, 20));
    };
  }

  private Activation conv(Activation x, int wanted) {
    int channels = x.shape().channels();
    int group = layers.chance(30) ? divisor(channels) : 1;
    int out = Math.max(1, wanted / group) * group;
    return convolved(x, out, group, true);
  }

  private Activation depthwise(Activation x) {
    int channels = x.shape().channels();
    return convolved(x, channels * layers.between(1, 2), channels, true);
  }

  private int divisor(int number) {
    int guess = layers.between(1, number);
    while (number % guess != 0) {
      guess--;
    }
    return guess;
  }

  /** A convolution; with {@code free} of any geometry, else one that keeps the size. */
  private Activation convolved(Activation x, int out, int group, boolean free) {
    int[] kernel = new int[axes];
    long[] strides = new long[axes];
    long[] dilations = new long[axes];
    long[] pads = new long[2 * axes];
    List<Integer> spatial = new ArrayList<>();
    for (int i = 0; i < axes; i++) {
      int size = x.shape().spatial().get(i);
      kernel[i] = free ? layers.between(1, Math.min(4, size)) : layers.chance(50) ? 3 : 1;
      dilations[i] = free && layers.chance(25) && 2 * kernel[i] - 1 <= size ? 2 : 1;
      strides[i] = free && layers.chance(40) ? layers.between(1, 3) : 1;
      int reach = (int) ((kernel[i] - 1) * dilations[i] + 1);
      pads[i] = free ? layers.between(0, reach / 2) : reach / 2;
      pads[axes + i] = free ? layers.between(0, reach / 2) : reach / 2;
      int padded = (int) (size + pads[i] + pads[axes + i]);
      spatial.add((int) ((padded - reach) / strides[i] + 1));
    }
    Map<String, Object> attributes = new LinkedHashMap<>();
    attributes.put("kernel_shape", Arrays.stream(kernel).asLongStream().toArray());
    attributes.put("strides", strides);
    attributes.put("dilations", dilations);
    attributes.put("pads", pads);
    attributes.put("group", group);
    Value sums = layers.weighted(x, out, group, kernel, attributes);
    return activated(sums, new Shape(x.shape().batch(), out, spatial), x.spread());
  }

  private Activation activated(Value y, Shape shape, double spread) {
    return switch (layers.between(0, 9)) {
      case 0, 1, 2, 3 -> layers.quantized(net.node("Relu", y), shape, spread, true);
      case 4 -> {
        Value clipped = net.node("Clip", y, net.floats(0), net.floats(6));
        yield layers.quantized(clipped, shape, spread, true);
      }
      case 5 -> layers.quantized(net.node("LeakyRelu", y), shape, spread, false);
      case 6 -> layers.quantized(net.node("Sigmoid", y), shape, 0.6, true);
      case 7 -> layers.quantized(net.node("HardSwish", y), shape, spread, false);
      default -> layers.quantized(y, shape, spread, false);
    };
  }

  private Activation residual(Activation x) {
    Activation y = convolved(x, layers.between(1, 12), 1, false);
    y = convolved(y, x.shape().channels(), 1, false);
    boolean first = layers.chance(50);
    Value sum = net.node("Add", first ? x.real() : y.real(), first ? y.real() : x.real());
    return activated(sum, x.shape(), Math.hypot(x.spread(), y.spread()));
  }

  /** Branches side by side; now and then one of them is not computed but passed on. */
  private Activation concat(Activation x) {
    List<Activation> branches = new ArrayList<>();
    branches.add(convolved(x, layers.between(1, 9), 1, false));
    branches.add(layers.chance(30) ? x : convolved(x, layers.between(1, 9), 1, false));
    Collections.shuffle(branches, net.random());
    int channels = branches.stream().mapToInt(b -> b.shape().channels()).sum();
    Value joined =
        net.node(
            "Concat",
            Map.of("axis", 1),
            branches.stream().map(Activation::real).toArray(Value[]::new));
    double spread = branches.stream().mapToDouble(Activation::spread).max().orElseThrow();
    Shape shape = new Shape(x.shape().batch(), channels, x.shape().spatial());
    return layers.quantized(joined, shape, spread, false);
  }

  private Activation pool(Activation x, String op) {
    long[] kernel = new long[axes];
    long[] strides = new long[axes];
    long[] pads = new long[2 * axes];
    boolean ceil = layers.chance(30);
    List<Integer> spatial = new ArrayList<>();
    for (int i = 0; i < axes; i++) {
      int size = x.shape().spatial().get(i);
      kernel[i] = layers.between(1, Math.min(3, size));
      strides[i] = layers.between(1, 2);
      if (kernel[i] > 1) {
        pads[i] = layers.between(0, 1);
        pads[axes + i] = layers.between(0, 1);
      }
      int room = (int) (size + pads[i] + pads[axes + i] - kernel[i]);
      int out = (int) ((room + (ceil ? strides[i] - 1 : 0)) / strides[i] + 1);
      boolean outside = ceil && (out - 1) * strides[i] >= size + pads[i];
      spatial.add(outside ? out - 1 : out);
    }
    Map<String, Object> attributes = new LinkedHashMap<>();
    attributes.put("kernel_shape", kernel);
    attributes.put("strides", strides);
    attributes.put("pads", pads);
    attributes.put("ceil_mode", ceil ? 1 : 0);
    if (op.equals("AveragePool")) {
      attributes.put("count_include_pad", layers.between(0, 1));
    }
    Value y = net.node(op, attributes, x.real());
    Shape shape = new Shape(x.shape().batch(), x.shape().channels(), spatial);
    return layers.quantized(y, shape, x.spread(), false);
  }

  /** The mean of each channel and a dense layer, whose result stays float in some. */
  private void head(Activation x) {
    Shape shape = new Shape(x.shape().batch(), x.shape().channels(), List.of());
    Value mean = net.node("GlobalAveragePool", x.real());
    Activation pooled = layers.quantized(mean, shape, x.spread() / 2, false);
    Value flat = net.node("Flatten", pooled.real());
    Activation features = new Activation(flat, shape, pooled.scale(), pooled.spread());
    int classes = layers.between(1, 20);
    Value scores = layers.weighted(features, classes, 1, null, Map.of("transB", 1));
    if (layers.chance(50)) {
      layers.quantized(scores, new Shape(shape.batch(), classes, List.of()), x.spread(), false);
    }
  }
}
