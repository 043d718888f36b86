package dev.octet.quantize.adjust;

import dev.octet.graph.Node;
import java.util.Arrays;
import java.util.List;

/**
 * Empirical bias correction: rounding weights shifts the mean of what a layer computes, and the
 * bias can take that shift back.
 *
 * <p>For output channel {@code c} the shift is {@code E[ŷ_c - y_c] = sum_i (ŵ_ci - w_ci) E[x_i]},
 * where {@code E[x_i]} is the mean of input channel {@code i} of the float model; the corrected
 * bias is {@code b_c} minus that (Nagel et al., "Data-Free Quantization Through Weight Equalization
 * and Bias Correction", arXiv 1906.04721, section 4.2, with observed means in place of analytic
 * ones). Padding is taken to have the mean of the channel.
 */
public final class BiasCorrection {
  private BiasCorrection() {}

  /**
   * The shift of each output channel: what is to be subtracted from its bias.
   *
   * @param node a Conv, a ConvTranspose, a Gemm or MatMul with two-dimensional weights, or an LSTM
   *     or RNN, whose weights are {@code [directions, gates, in]}
   * @param exact the float weights, row-major
   * @param rounded what the integers stand for, in the same order
   * @param shape the shape of both
   * @param inputMeans mean of each input channel: {@code [in]} for the whole layer, all groups
   * @return {@code [out]} for the whole layer
   * @throws IllegalArgumentException if the means do not match the weights' input channels
   */
  public static double[] shift(
      Node node, float[] exact, float[] rounded, long[] shape, double[] inputMeans) {
    int[] dims = Arrays.stream(shape).mapToInt(Math::toIntExact).toArray();
    return switch (node.op()) {
      case "Conv" -> convolution(node, exact, rounded, dims, inputMeans);
      case "ConvTranspose" -> transposedConvolution(node, exact, rounded, dims, inputMeans);
      case "Gemm" -> product(exact, rounded, dims, inputMeans, node.intAttribute("transB", 0) != 0);
      case "MatMul" -> product(exact, rounded, dims, inputMeans, false);
      case "LSTM", "RNN" ->
          product(exact, rounded, new int[] {dims[0] * dims[1], dims[2]}, inputMeans, true);
      default ->
          throw new IllegalArgumentException(
              "bias correction of node '" + node.label() + "' (" + node.op() + ") is not defined");
    };
  }

  /** Weights {@code [out, in/groups, ...]}. */
  private static double[] convolution(
      Node node, float[] exact, float[] rounded, int[] dims, double[] means) {
    int groups = Math.toIntExact(node.intAttribute("group", 1));
    int inPerGroup = dims[1];
    int outPerGroup = dims[0] / groups;
    int window = exact.length / Math.max(1, dims[0] * dims[1]);
    check(node, means, inPerGroup * groups);
    double[] shift = new double[dims[0]];
    for (int out = 0, at = 0; out < dims[0]; out++) {
      int firstInput = out / outPerGroup * inPerGroup;
      for (int in = 0; in < inPerGroup; in++) {
        for (int k = 0; k < window; k++, at++) {
          shift[out] += ((double) rounded[at] - exact[at]) * means[firstInput + in];
        }
      }
    }
    return shift;
  }

  /**
   * Weights {@code [in, out/groups, ...]}; every input reaches an output {@code 1/stride} often.
   */
  private static double[] transposedConvolution(
      Node node, float[] exact, float[] rounded, int[] dims, double[] means) {
    int groups = Math.toIntExact(node.intAttribute("group", 1));
    int outPerGroup = dims[1];
    int inPerGroup = dims[0] / groups;
    int window = exact.length / Math.max(1, dims[0] * dims[1]);
    check(node, means, dims[0]);
    double stride = 1;
    for (long step : node.intsAttribute("strides", List.of())) {
      stride *= step;
    }
    double[] shift = new double[outPerGroup * groups];
    for (int in = 0, at = 0; in < dims[0]; in++) {
      int firstOutput = in / inPerGroup * outPerGroup;
      for (int out = 0; out < outPerGroup; out++) {
        for (int k = 0; k < window; k++, at++) {
          shift[firstOutput + out] += ((double) rounded[at] - exact[at]) * means[in] / stride;
        }
      }
    }
    return shift;
  }

  private static double[] product(
      float[] exact, float[] rounded, int[] dims, double[] means, boolean transposed) {
    if (dims.length != 2) {
      throw new IllegalArgumentException(
          "weights of shape " + Arrays.toString(dims) + " are not a matrix");
    }
    int inputs = transposed ? dims[1] : dims[0];
    int outputs = transposed ? dims[0] : dims[1];
    if (means.length != inputs) {
      throw new IllegalArgumentException(
          means.length + " input means are given for " + inputs + " input features");
    }
    double[] shift = new double[outputs];
    for (int row = 0, at = 0; row < dims[0]; row++) {
      for (int column = 0; column < dims[1]; column++, at++) {
        int out = transposed ? row : column;
        int in = transposed ? column : row;
        shift[out] += ((double) rounded[at] - exact[at]) * means[in];
      }
    }
    return shift;
  }

  private static void check(Node node, double[] means, int channels) {
    if (means.length != channels) {
      throw new IllegalArgumentException(
          means.length
              + " input means are given for the "
              + channels
              + " input channels of node '"
              + node.label()
              + "'");
    }
  }
}
