package dev.octet.quantize.adjust;

import dev.octet.core.range.Range;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Rewriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The weights of one linear layer, seen by its input and by its output channels. Kept in float64
 * while factors move between layers, so that the float model is rounded once.
 *
 * <p>All layouts are one: {@code [rows, columns/groups, window]}. For Conv and for Gemm with transB
 * the rows are output channels, for ConvTranspose, Gemm and MatMul they are input channels; row
 * {@code a} belongs to group {@code a / (rows/groups)}, and so do its columns.
 */
final class LayerWeights {
  private static final int WEIGHT = 1;
  private static final int BIAS = 2;

  private final boolean outputsFirst;
  private final int rows;
  private final int columnsInGroup;
  private final int groups;
  private final int window;
  private final double[] weights;
  private final double @Nullable [] bias;

  /**
   * Weights that are kept, not copied.
   *
   * @param outputsFirst whether the first axis is that of the output channels
   * @param shape {@code [rows, columns/groups, ...]}
   * @param bias one element an output channel, or null
   */
  LayerWeights(
      boolean outputsFirst, long[] shape, int groups, double[] weights, double @Nullable [] bias) {
    this.outputsFirst = outputsFirst;
    this.rows = Math.toIntExact(shape[0]);
    this.columnsInGroup = Math.toIntExact(shape[1]);
    this.groups = groups;
    this.window = weights.length / Math.max(1, rows * columnsInGroup);
    this.weights = weights;
    this.bias = bias;
  }

  /** Whether {@code node} is of a kind that can have such weights. */
  static boolean isLinear(Node node) {
    return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul");
  }

  /** Why the weights of the linear {@code node} cannot be changed, or null where they can. */
  static @Nullable String refusal(Node node) {
    Value weight = node.input(WEIGHT);
    Tensor tensor = weight == null ? null : weight.constant();
    if (tensor == null || tensor.type() != DataType.FLOAT || tensor.elementCount() == 0) {
      return "weights '" + weight + "' are not constant floats";
    }
    boolean matrix = node.is("Gemm") || node.is("MatMul");
    long groups = node.intAttribute("group", 1);
    if (matrix ? tensor.rank() != 2 : tensor.rank() < 3) {
      return "weights '" + weight + "' have " + tensor.rank() + " dimensions";
    }
    if (groups < 1 || tensor.dim(0) % groups != 0) {
      return "weights '" + weight + "' are " + tensor + " in " + groups + " groups";
    }
    if (node.is("Gemm") && node.intAttribute("transA", 0) != 0) {
      return "it transposes its input";
    }
    Value bias = node.is("MatMul") ? null : node.input(BIAS);
    if (bias == null) {
      return null;
    }
    Tensor addend = bias.constant();
    if (addend == null
        || addend.type() != DataType.FLOAT
        || addend.rank() > 2
        || (addend.rank() == 2 && addend.dim(0) != 1)
        || (addend.elementCount() != 1 && addend.elementCount() != outputs(node, tensor))) {
      return "bias '" + bias + "' is not one constant float an output channel";
    }
    return null;
  }

  /** The weights of {@code node}, of which {@link #refusal} had nothing to say. */
  static LayerWeights of(Node node) {
    Tensor tensor = constant(node, WEIGHT);
    double[] bias = null;
    if (!node.is("MatMul") && node.input(BIAS) != null) {
      float[] given = constant(node, BIAS).toFloats();
      bias = new double[outputs(node, tensor)];
      for (int i = 0; i < bias.length; i++) {
        bias[i] = given[given.length == 1 ? 0 : i];
      }
    }
    int groups = node.op().startsWith("Conv") ? (int) node.intAttribute("group", 1) : 1;
    double[] weights = doubles(tensor.toFloats());
    return new LayerWeights(outputsFirst(node), tensor.shape(), groups, weights, bias);
  }

  /** Gives {@code node} these weights; constants that others read too are copied first. */
  void writeTo(Node node) {
    Rewriter change = Rewriter.on(node.graph());
    String stem = node.name().isEmpty() ? node.output().name() : node.name();
    Tensor before = constant(node, WEIGHT);
    change.setConstantInput(
        node, WEIGHT, stem + "_weight", Tensor.ofFloats(floats(weights), before.shape()));
    if (bias != null) {
      Tensor old = constant(node, BIAS);
      long[] shape = old.elementCount() == bias.length ? old.shape() : new long[] {bias.length};
      change.setConstantInput(node, BIAS, stem + "_bias", Tensor.ofFloats(floats(bias), shape));
    }
  }

  int outputs() {
    return outputsFirst ? rows : columnsInGroup * groups;
  }

  int inputs() {
    return outputsFirst ? columnsInGroup * groups : rows;
  }

  /** Whether every channel has weights of its own and meets no other. */
  boolean isDepthwise() {
    return groups == rows && columnsInGroup == 1;
  }

  double[] weights() {
    return weights;
  }

  double @Nullable [] bias() {
    return bias;
  }

  /** The largest magnitude among the weights of each output channel. */
  double[] outputMax() {
    double[] max = new double[outputs()];
    for (int i = 0; i < weights.length; i++) {
      int channel = output(i);
      max[channel] = Math.max(max[channel], Math.abs(weights[i]));
    }
    return max;
  }

  /**
   * The largest magnitude among the weights that each of {@code channels} meets, when equal runs of
   * inputs belong to a channel: more than one input where maps were flattened.
   */
  double[] inputMax(int channels) {
    int run = inputs() / channels;
    double[] max = new double[channels];
    for (int i = 0; i < weights.length; i++) {
      int channel = input(i) / run;
      max[channel] = Math.max(max[channel], Math.abs(weights[i]));
    }
    return max;
  }

  /** The interval of the weights that each input meets. */
  List<Range> inputRanges() {
    double[] low = new double[inputs()];
    double[] high = new double[inputs()];
    Arrays.fill(low, Double.POSITIVE_INFINITY);
    Arrays.fill(high, Double.NEGATIVE_INFINITY);
    for (int i = 0; i < weights.length; i++) {
      int channel = input(i);
      low[channel] = Math.min(low[channel], weights[i]);
      high[channel] = Math.max(high[channel], weights[i]);
    }
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < low.length; i++) {
      ranges.add(new Range((float) low[i], (float) high[i]));
    }
    return ranges;
  }

  /** Divides what each output channel gives by {@code factors}, one a channel. */
  void divideOutputs(double[] factors) {
    for (int i = 0; i < weights.length; i++) {
      weights[i] /= factors[output(i)];
    }
    if (bias != null) {
      for (int i = 0; i < bias.length; i++) {
        bias[i] /= factors[i];
      }
    }
  }

  /** Multiplies what the inputs of each channel meet by {@code factors}, one a channel. */
  void multiplyInputs(double[] factors) {
    int run = inputs() / factors.length;
    for (int i = 0; i < weights.length; i++) {
      weights[i] *= factors[input(i) / run];
    }
  }

  static double[] doubles(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  static float[] floats(double[] values) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) values[i];
    }
    return narrow;
  }

  private int output(int index) {
    return outputsFirst ? row(index) : column(index);
  }

  private int input(int index) {
    return outputsFirst ? column(index) : row(index);
  }

  private int row(int index) {
    return index / (columnsInGroup * window);
  }

  private int column(int index) {
    int group = row(index) / (rows / groups);
    return group * columnsInGroup + index / window % columnsInGroup;
  }

  private static boolean outputsFirst(Node node) {
    return node.is("Conv") || (node.is("Gemm") && node.intAttribute("transB", 0) != 0);
  }

  private static int outputs(Node node, Tensor weights) {
    if (outputsFirst(node)) {
      return Math.toIntExact(weights.dim(0));
    }
    long groups = node.is("ConvTranspose") ? node.intAttribute("group", 1) : 1;
    return Math.toIntExact(weights.dim(1) * groups);
  }

  private static Tensor constant(Node node, int input) {
    Value value = node.input(input);
    Tensor tensor = value == null ? null : value.constant();
    if (tensor == null) {
      throw new IllegalStateException("'" + value + "' of '" + node.label() + "' is not constant");
    }
    return tensor;
  }
}
