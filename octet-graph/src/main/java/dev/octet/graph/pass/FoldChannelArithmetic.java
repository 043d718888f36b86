package dev.octet.graph.pass;

import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import org.jspecify.annotations.Nullable;

/**
 * Folds a constant per channel that is multiplied, divided, added or subtracted into the Conv,
 * ConvTranspose or Gemm before it: what is left of a BatchNormalization that another tool took
 * apart, or a bias that an exporter wrote as an Add.
 */
public final class FoldChannelArithmetic implements Rewrite {

  @Override
  public String name() {
    return "fold-channel-arithmetic";
  }

  @Override
  public Match match(Node node) {
    Value in = layerResult(node);
    Node layer = in == null ? null : in.producer();
    if (in == null || layer == null) {
      return Match.none();
    }
    String reason = LinearLayer.refusal(layer, in, node);
    if (reason == null) {
      reason = constantReason(node, layer);
    }
    if (reason == null) {
      reason = LinearLayer.overflow(layer, affine(node, layer));
    }
    return reason == null ? Match.of(layer, node) : Match.refused(reason);
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Node layer = match.node(0);
    Node arithmetic = match.node(1);
    LinearLayer.fold(layer, affine(arithmetic, layer), change);
    change.replace(arithmetic.output(), layer.output());
    change.remove(arithmetic);
  }

  /** The input of {@code node} that a layer makes, if the other one is constant. */
  private static @Nullable Value layerResult(Node node) {
    boolean swappable = node.is("Add") || node.is("Mul");
    if ((!swappable && !node.is("Sub") && !node.is("Div")) || node.inputs().size() != 2) {
      return null;
    }
    Value first = node.input(0);
    Value second = node.input(1);
    if (second != null && second.constant() != null && isLayerResult(first)) {
      return first;
    }
    return swappable && first != null && first.constant() != null && isLayerResult(second)
        ? second
        : null;
  }

  private static boolean isLayerResult(@Nullable Value value) {
    Node maker = value == null ? null : value.producer();
    return maker != null && (maker.is("Conv") || maker.is("ConvTranspose") || maker.is("Gemm"));
  }

  private static @Nullable Value constantOf(Node node) {
    Value second = node.input(1);
    return second != null && second.constant() != null ? second : node.input(0);
  }

  /** Channels are dimension 1 of a result that has as many dimensions as a layer's weights. */
  private static @Nullable String constantReason(Node node, Node layer) {
    Value value = constantOf(node);
    Tensor tensor = value == null ? null : value.constant();
    Value weight = layer.input(1);
    Tensor weights = weight == null ? null : weight.constant();
    if (tensor == null || weights == null) {
      return "'" + value + "' is not constant";
    }
    int rank = weights.rank();
    boolean fits = LinearLayer.isFloat(tensor) && tensor.rank() <= rank;
    for (int i = 0; fits && i < tensor.rank(); i++) {
      int axis = rank - tensor.rank() + i;
      fits = tensor.dim(i) == 1 || (axis == 1 && tensor.dim(i) == LinearLayer.channels(layer));
    }
    return fits ? null : "'" + value + "' is " + tensor + ", not a number for each channel";
  }

  private static ChannelAffine affine(Node node, Node layer) {
    double[] constant = LinearLayer.doubles(constantOf(node));
    int channels = Math.toIntExact(LinearLayer.channels(layer));
    double[] factor = new double[channels];
    double[] offset = new double[channels];
    for (int c = 0; c < channels; c++) {
      double number = constant[constant.length == 1 ? 0 : c];
      factor[c] =
          switch (node.op()) {
            case "Mul" -> number;
            case "Div" -> 1 / number;
            default -> 1;
          };
      offset[c] =
          switch (node.op()) {
            case "Add" -> number;
            case "Sub" -> -number;
            default -> 0;
          };
    }
    return new ChannelAffine(factor, offset);
  }
}
