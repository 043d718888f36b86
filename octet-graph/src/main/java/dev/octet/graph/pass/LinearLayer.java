package dev.octet.graph.pass;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What Conv, ConvTranspose and Gemm have in common: each output channel is a sum of weights that
 * belong to it, plus a bias, so that a multiplication and an addition per channel that follow can
 * move inside.
 *
 * <p>Where the output channel lies in the weights: Conv {@code [M, C/group, ...]} axis 0;
 * ConvTranspose {@code [C, M/group, ...]} axis 1 within each group of input channels; Gemm {@code
 * [K, N]} axis 1, or with transB {@code [N, K]} axis 0.
 */
final class LinearLayer {
  private static final int WEIGHT = 1;
  private static final int BIAS = 2;
  private static final int SOME = 4096; // floats looked at together

  private LinearLayer() {}

  /** Why nothing may be folded into {@code layer}, or null where it may. */
  static @Nullable String refusal(Node layer, Value result, Node follower) {
    if (!layer.is("Conv") && !layer.is("ConvTranspose") && !layer.is("Gemm")) {
      return "'" + result.name() + "' is made by " + layer.op();
    }
    if (result.isOutput()) {
      return "'" + result.name() + "' is an output of the graph";
    }
    int readers = result.uses().size();
    if (readers != 1) {
      return "'" + result.name() + "' has " + (readers == 2 ? "two" : readers) + " readers";
    }
    if (Rewriter.isReturned(result) || layer.graph() != follower.graph()) {
      return "'" + result.name() + "' is read in a nested graph";
    }
    if (!layer.graph().canReplace(follower.output(), layer.output())) {
      return "'" + follower.output().name() + "' is returned by a nested graph";
    }
    Value weight = layer.input(WEIGHT);
    Tensor weights = weight == null ? null : weight.constant();
    if (weights == null) {
      return "weights '" + weight + "' are not constant";
    }
    if (!isFloat(weights)) {
      return "weights '" + weight + "' are " + weights.type();
    }
    long group = layer.intAttribute("group", 1);
    if (layer.is("Gemm")
        ? weights.rank() != 2
        : weights.rank() < 3 || group < 1 || weights.dim(0) % group != 0) {
      return "weights '" + weight + "' are " + weights + " in " + group + " groups";
    }
    Value bias = layer.input(BIAS);
    Tensor biases = bias == null ? null : bias.constant();
    if (bias != null && biases == null) {
      return "bias '" + bias + "' is not constant";
    }
    if (biases != null && (!isFloat(biases) || !isPerChannel(layer, biases))) {
      return "bias '" + bias + "' is " + biases + " for " + channels(layer) + " channels";
    }
    return null;
  }

  /** Number of output channels; the weights were checked to be there. */
  static long channels(Node layer) {
    Tensor weights = constant(layer.input(WEIGHT));
    return switch (layer.op()) {
      case "ConvTranspose" -> weights.dim(1) * layer.intAttribute("group", 1);
      case "Gemm" -> weights.dim(layer.intAttribute("transB", 0) == 0 ? 1 : 0);
      default -> weights.dim(0);
    };
  }

  /** Why folding would give something that float cannot hold, or null. */
  static @Nullable String overflow(Node layer, ChannelAffine affine) {
    for (int c = 0; c < affine.factor.length; c++) {
      if (!Double.isFinite(affine.factor[c]) || !Double.isFinite(affine.offset[c])) {
        return "channel " + c + " is multiplied by " + affine.factor[c];
      }
    }
    Tensor weights = constant(layer.input(WEIGHT));
    if (largest(weights) * largest(affine.factor) > Float.MAX_VALUE) {
      FloatBuffer before = weights.data().asFloatBuffer();
      FloatBuffer after = scaled(layer, weights, affine.factor).data().asFloatBuffer();
      for (int i = 0; i < after.limit(); i++) {
        if (Float.isFinite(before.get(i)) && !Float.isFinite(after.get(i))) {
          return "weight " + before.get(i) + " would grow beyond float";
        }
      }
    }
    for (float bias : newBias(layer, affine)) {
      if (!Float.isFinite(bias)) {
        return "a bias would grow beyond float";
      }
    }
    return null;
  }

  /** Makes {@code layer} give {@code affine} of what it gave. */
  static void fold(Node layer, ChannelAffine affine, Rewriter change) {
    Value weight = layer.input(WEIGHT);
    Tensor weights = constant(weight);
    float[] bias = newBias(layer, affine);
    Tensor scaled = scaled(layer, weights, affine.factor);
    String stem = layer.name().isEmpty() ? layer.output().name() : layer.name();
    change.setConstantInput(layer, WEIGHT, stem + "_weight", scaled);
    change.setConstantInput(layer, BIAS, stem + "_bias", Tensor.ofFloats(bias, bias.length));
    if (layer.is("Gemm") && layer.floatAttribute("beta", 1) != 1) {
      // beta went into the new bias
      change.setAttribute(layer, "beta", new Attribute.FloatValue(1));
    }
  }

  static boolean isFloat(Tensor tensor) {
    return tensor.type() == DataType.FLOAT;
  }

  /** The elements of a float constant, widened. */
  static double[] doubles(@Nullable Value value) {
    float[] floats = constant(value).toFloats();
    double[] wide = new double[floats.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = floats[i];
    }
    return wide;
  }

  private static Tensor constant(@Nullable Value value) {
    Tensor tensor = value == null ? null : value.constant();
    if (tensor == null) {
      throw new IllegalStateException("'" + value + "' is no longer constant");
    }
    return tensor;
  }

  /** Goes through a row at a time: weights may have hundreds of megabytes. */
  private static Tensor scaled(Node layer, Tensor weights, double[] factor) {
    long[] shape = weights.shape();
    boolean transposed = layer.is("ConvTranspose");
    int axis = transposed || (layer.is("Gemm") && layer.intAttribute("transB", 0) == 0) ? 1 : 0;
    int inner = 1;
    for (int i = axis + 1; i < shape.length; i++) {
      inner *= (int) shape[i];
    }
    int run = inner;
    int along = (int) shape[axis];
    int rowsPerGroup =
        transposed ? (int) (shape[0] / layer.intAttribute("group", 1)) : Integer.MAX_VALUE;
    return Tensor.computed(
        out -> {
          FloatBuffer values = weights.data().asFloatBuffer();
          float[] row = new float[axis == 0 ? run : along * run];
          for (int r = 0; out.hasRemaining(); r++) {
            values.get(row);
            int channel = axis == 0 ? r : r / rowsPerGroup * along;
            for (int from = 0; from < row.length; from += run, channel++) {
              double each = factor[channel];
              for (int i = from; i < from + run; i++) {
                row[i] = (float) (row[i] * each);
              }
            }
            out.put(row);
          }
        },
        shape);
  }

  /** The largest finite magnitude. */
  private static double largest(Tensor weights) {
    FloatBuffer values = weights.data().asFloatBuffer();
    float[] some = new float[Math.min(values.remaining(), SOME)];
    float largest = 0;
    while (values.hasRemaining()) {
      int count = Math.min(values.remaining(), some.length);
      values.get(some, 0, count);
      for (int i = 0; i < count; i++) {
        float magnitude = Math.abs(some[i]);
        largest = magnitude <= Float.MAX_VALUE && magnitude > largest ? magnitude : largest;
      }
    }
    return largest;
  }

  private static double largest(double[] values) {
    double largest = 0;
    for (double value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  private static float[] newBias(Node layer, ChannelAffine affine) {
    Value bias = layer.input(BIAS);
    double[] old = bias == null ? new double[] {0} : doubles(bias);
    double beta = layer.is("Gemm") ? layer.floatAttribute("beta", 1) : 1;
    float[] result = new float[affine.factor.length];
    for (int c = 0; c < result.length; c++) {
      double before = beta * old[old.length == 1 ? 0 : c];
      result[c] = (float) (before * affine.factor[c] + affine.offset[c]);
    }
    return result;
  }

  /** Whether {@code bias} is {@code [M]}; Gemm also takes a scalar or {@code [1, N]}. */
  private static boolean isPerChannel(Node layer, Tensor bias) {
    long channels = channels(layer);
    if (!layer.is("Gemm")) {
      return bias.rank() == 1 && bias.dim(0) == channels;
    }
    return bias.rank() <= 2
        && (bias.rank() < 2 || bias.dim(0) == 1)
        && (bias.rank() == 0 || bias.dim(-1) == 1 || bias.dim(-1) == channels);
  }
}
