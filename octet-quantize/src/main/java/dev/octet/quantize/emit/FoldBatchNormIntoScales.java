package dev.octet.quantize.emit;

import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Match;
import dev.octet.graph.pass.Rewrite;
import dev.octet.graph.pass.Rewriter;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Folds a BatchNormalization into the scales of the integer weights of the Conv before it.
 *
 * <p>A layer trained with fake quantization and BatchNormalization after it computes {@code γ · (s
 * · Σ q·x − μ) / σ + β} per channel. Since {@code γ/σ} only multiplies the scale {@code s}, the
 * integers stay as they were trained: {@code s' = s · |γ/σ|}, a negative {@code γ} turns their
 * sign, and the rest is a bias. Nothing is rounded anew but the scale itself.
 */
public final class FoldBatchNormIntoScales implements Rewrite {
  private static final float DEFAULT_EPSILON = 1e-5f;

  @Override
  public String name() {
    return "fold-batch-norm-into-scales";
  }

  @Override
  public Match match(Node norm) {
    if (!norm.is("BatchNormalization")) {
      return Match.none();
    }
    Node conv = producer(norm, 0);
    Node weights = conv == null ? null : producer(conv, 1);
    if (conv == null || !conv.is("Conv") || weights == null || !weights.is("DequantizeLinear")) {
      return Match.none();
    }
    Tensor codes = constant(weights, 0);
    Tensor scale = constant(weights, 1);
    if (codes == null || scale == null) {
      return Match.refused("the weights of '" + conv.name() + "' are not constant");
    }
    if (conv.output().uses().size() != 1 || conv.output().isOutput()) {
      return Match.refused("'" + conv.output().name() + "' has other readers");
    }
    if (weights.output().uses().size() != 1) {
      return Match.refused("the weights of '" + conv.name() + "' have other readers");
    }
    if (norm.outputs().size() > 1 || norm.intAttribute("training_mode", 0) != 0) {
      return Match.refused("it is in training mode");
    }
    if (scale.elementCount() != 1
        && (weights.intAttribute("axis", 1) != 0 || weights.intAttribute("block_size", 0) != 0)) {
      return Match.refused("the scales are not those of the output channels");
    }
    Tensor zeroPoint = constant(weights, 2);
    if (zeroPoint != null && Arrays.stream(IntegerTensors.codes(zeroPoint)).anyMatch(z -> z != 0)) {
      return Match.refused("the weights have zero points");
    }
    if (conv.input(2) != null && constant(conv, 2) == null) {
      return Match.refused("the bias of '" + conv.name() + "' is not constant");
    }
    for (int i = 1; i <= 4; i++) {
      Tensor statistic = constant(norm, i);
      if (statistic == null || statistic.elementCount() != codes.dim(0)) {
        return Match.refused("its statistics are not constants, one for each channel");
      }
    }
    double[] factor = factors(norm);
    int lowest = Arrays.stream(IntegerTensors.codes(codes)).min().orElse(0);
    for (double f : factor) {
      if (f < 0 && lowest == -(1 << (codes.type().bits() - 1))) {
        return Match.refused("the weights use the lowest integer, which has no opposite");
      }
    }
    return Match.of(conv, norm, weights);
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Node conv = match.node(0);
    Node norm = match.node(1);
    Node weights = match.node(2);
    Tensor codes = required(weights, 0);
    float[] oldScale = required(weights, 1).toFloats();
    double[] factor = factors(norm);
    int channels = factor.length;
    int[] integers = IntegerTensors.codes(codes);
    int size = integers.length / Math.max(1, channels);
    float[] scale = new float[channels];
    float[] bias = new float[channels];
    Tensor oldBias = constant(conv, 2);
    for (int c = 0; c < channels; c++) {
      double old = oldScale[oldScale.length == 1 ? 0 : c];
      double exact = old * Math.abs(factor[c]);
      // A channel that is switched off, or nearly: its integers become 0 and any scale will do.
      boolean off = (float) exact < Float.MIN_NORMAL;
      scale[c] = off ? 1 : (float) exact;
      int sign = off ? 0 : factor[c] < 0 ? -1 : 1;
      for (int i = c * size; i < (c + 1) * size; i++) {
        integers[i] *= sign;
      }
      double before = oldBias == null ? 0 : oldBias.toFloats()[c];
      bias[c] =
          (float)
              ((before - required(norm, 3).toFloats()[c]) * factor[c]
                  + required(norm, 2).toFloats()[c]);
    }
    String stem = conv.name();
    Value newCodes =
        change.addConstant(
            stem + ".weight_q", IntegerTensors.of(codes.type(), integers, codes.shape()));
    Value newScale = change.addConstant(stem + ".weight_s", Tensor.ofFloats(scale, channels));
    Value zeros =
        change.addConstant(
            stem + ".weight_z", IntegerTensors.of(codes.type(), new int[channels], channels));
    Value real =
        change.add(
            NodeSpec.of("DequantizeLinear")
                .named(stem + ".weight/DQ")
                .reads(newCodes, newScale, zeros)
                .with("axis", 0),
            stem + ".weight_dq");
    Value newBias = change.addConstant(stem + ".bias", Tensor.ofFloats(bias, channels));
    change.setInput(conv, 1, real);
    change.setInput(conv, 2, newBias);
    change.replace(norm.output(), conv.output());
    change.remove(norm);
  }

  private static double[] factors(Node norm) {
    float[] gamma = required(norm, 1).toFloats();
    float[] variance = required(norm, 4).toFloats();
    double epsilon = norm.floatAttribute("epsilon", DEFAULT_EPSILON);
    double[] factor = new double[gamma.length];
    for (int c = 0; c < factor.length; c++) {
      factor[c] = gamma[c] / Math.sqrt(variance[c] + epsilon);
    }
    return factor;
  }

  private static @Nullable Node producer(Node node, int index) {
    Value value = node.input(index);
    return value == null ? null : value.producer();
  }

  private static Tensor required(Node node, int index) {
    Tensor tensor = constant(node, index);
    if (tensor == null) {
      throw new IllegalStateException("matched without input " + index + " of " + node.name());
    }
    return tensor;
  }

  private static @Nullable Tensor constant(Node node, int index) {
    Value value = node.input(index);
    return value == null ? null : value.constant();
  }
}
