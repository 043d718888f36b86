package dev.octet.quantize.adjust;

import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Rewriter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Two layers between which factors move, and the constants added on the way. */
final class Link {
  private final String firstLabel;
  private final String secondLabel;
  private final LayerWeights first;
  private final LayerWeights second;

  /** The constants added on the way, in float64 while factors move. */
  private final Map<Node, double[]> sums;

  private final double[] moved;

  Link(String firstLabel, LayerWeights first, String secondLabel, LayerWeights second) {
    this(firstLabel, first, secondLabel, second, Map.of());
  }

  private Link(
      String firstLabel,
      LayerWeights first,
      String secondLabel,
      LayerWeights second,
      Map<Node, double[]> sums) {
    this.firstLabel = firstLabel;
    this.secondLabel = secondLabel;
    this.first = first;
    this.second = second;
    this.sums = sums;
    this.moved = new double[first.outputs()];
    Arrays.fill(moved, 1);
  }

  /** The link along {@code path}; layers met before are taken from {@code known}. */
  static Link along(ChannelPath path, Map<Node, LayerWeights> known) {
    Map<Node, double[]> sums = new LinkedHashMap<>();
    for (Node sum : path.sums()) {
      sums.put(sum, LayerWeights.doubles(constant(sum).toFloats()));
    }
    return new Link(
        path.first().label(),
        known.computeIfAbsent(path.first(), LayerWeights::of),
        path.second().label(),
        known.computeIfAbsent(path.second(), LayerWeights::of),
        sums);
  }

  LayerWeights first() {
    return first;
  }

  LayerWeights second() {
    return second;
  }

  /** Whether each channel meets one input of the second layer, not a run of flattened ones. */
  boolean meetsMaps() {
    return first.outputs() == second.inputs();
  }

  double[] outputMax() {
    return first.outputMax();
  }

  double[] inputMax() {
    return second.inputMax(first.outputs());
  }

  /**
   * Divides by {@code factors} here and multiplies there.
   *
   * @return the largest {@code |t - 1|}
   */
  double move(double[] factors) {
    first.divideOutputs(factors);
    second.multiplyInputs(factors);
    double furthest = 0;
    for (int i = 0; i < factors.length; i++) {
      for (double[] constant : sums.values()) {
        constant[i] /= factors[i];
      }
      moved[i] *= factors[i];
      furthest = Math.max(furthest, Math.abs(factors[i] - 1));
    }
    return furthest;
  }

  /** Puts the constants added on the way into the graph. */
  void writeSums() {
    sums.forEach(
        (sum, values) -> {
          Tensor scaled = Tensor.ofFloats(LayerWeights.floats(values), constant(sum).shape());
          int input = ChannelPath.constantInput(sum);
          String stem = sum.output().name() + "_bias";
          Rewriter.on(sum.graph()).setConstantInput(sum, input, stem, scaled);
        });
  }

  CrossLayerEqualization.Pair describe() {
    return new CrossLayerEqualization.Pair(
        firstLabel,
        secondLabel,
        Arrays.stream(moved).min().orElse(1),
        Arrays.stream(moved).max().orElse(1));
  }

  private static Tensor constant(Node sum) {
    Value value = sum.input(ChannelPath.constantInput(sum));
    Tensor tensor = value == null ? null : value.constant();
    if (tensor == null) {
      throw new IllegalStateException("'" + sum.label() + "' adds no constant");
    }
    return tensor;
  }
}
