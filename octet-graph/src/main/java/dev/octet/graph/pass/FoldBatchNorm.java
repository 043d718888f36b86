package dev.octet.graph.pass;

import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import org.jspecify.annotations.Nullable;

/**
 * Folds a BatchNormalization into the Conv, ConvTranspose or Gemm whose result only it reads.
 *
 * <p>At inference, {@code y = scale · (x − mean) / sqrt(var + epsilon) + bias} per channel is a
 * multiplication and an addition (Ioffe and Szegedy 2015, section 3.1), and both move into the
 * layer's weights and bias. They are computed in float64 and rounded to float once. Weights that
 * another node reads too are copied, not changed.
 */
public final class FoldBatchNorm implements Rewrite {
  private static final float DEFAULT_EPSILON = 1e-5f;
  private static final String[] STATISTICS = {"", "scale", "bias", "mean", "variance"};

  @Override
  public String name() {
    return "fold-batch-norm";
  }

  @Override
  public Match match(Node node) {
    if (!node.is("BatchNormalization")) {
      return Match.none();
    }
    Value in = node.input(0);
    Node layer = in == null ? null : in.producer();
    if (in == null || layer == null) {
      return Match.refused("'" + in + "' is not made by a node");
    }
    String reason = trainingReason(node);
    if (reason == null) {
      reason = LinearLayer.refusal(layer, in, node);
    }
    if (reason == null) {
      reason = statisticsReason(node, LinearLayer.channels(layer));
    }
    if (reason == null) {
      reason = LinearLayer.overflow(layer, affine(node));
    }
    return reason == null ? Match.of(layer, node) : Match.refused(reason);
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Node layer = match.node(0);
    Node norm = match.node(1);
    LinearLayer.fold(layer, affine(norm), change);
    change.replace(norm.output(), layer.output());
    change.remove(norm);
  }

  private static @Nullable String trainingReason(Node norm) {
    if (norm.intAttribute("training_mode", 0) != 0) {
      return "training_mode is 1";
    }
    if (norm.intAttribute("spatial", 1) != 1) {
      return "spatial is 0: its statistics are not per channel";
    }
    for (Value extra : norm.outputs().subList(1, norm.outputs().size())) {
      if (extra != null && (!extra.uses().isEmpty() || Rewriter.isReturned(extra))) {
        return "its statistics '" + extra.name() + "' are read";
      }
    }
    return null;
  }

  private static @Nullable String statisticsReason(Node norm, long channels) {
    for (int i = 1; i < STATISTICS.length; i++) {
      Value value = norm.input(i);
      Tensor tensor = value == null ? null : value.constant();
      if (tensor == null) {
        return "its " + STATISTICS[i] + " '" + value + "' is not constant";
      }
      if (!LinearLayer.isFloat(tensor)) {
        return "its " + STATISTICS[i] + " '" + value + "' is " + tensor.type();
      }
      if (tensor.rank() != 1 || tensor.dim(0) != channels) {
        return "its "
            + STATISTICS[i]
            + " '"
            + value
            + "' is "
            + tensor
            + " for "
            + channels
            + " channels";
      }
    }
    return null;
  }

  /** What {@code norm} does to each channel; its statistics were checked to be there. */
  private static ChannelAffine affine(Node norm) {
    double epsilon = norm.floatAttribute("epsilon", DEFAULT_EPSILON);
    double[] scale = LinearLayer.doubles(norm.input(1));
    double[] bias = LinearLayer.doubles(norm.input(2));
    double[] mean = LinearLayer.doubles(norm.input(3));
    double[] variance = LinearLayer.doubles(norm.input(4));
    double[] factor = new double[scale.length];
    double[] offset = new double[scale.length];
    for (int c = 0; c < factor.length; c++) {
      factor[c] = scale[c] / Math.sqrt(variance[c] + epsilon);
      offset[c] = bias[c] - mean[c] * factor[c];
    }
    return new ChannelAffine(factor, offset);
  }
}
