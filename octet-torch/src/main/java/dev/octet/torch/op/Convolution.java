package dev.octet.torch.op;

import dev.octet.graph.Attribute;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import java.util.Arrays;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions over one to three spatial dimensions, as many as the weight has after its first two.
 */
public final class Convolution {
  private Convolution() {}

  /**
   * The cross-correlation of an input with a weight.
   *
   * @param x {@code [N, C, spatial...]}
   * @param weight {@code [out, C / groups, kernel...]}
   * @param bias {@code [out]}
   * @param stride one for each spatial dimension, like the rest
   * @param padding zeros around; or, twice as many, those before all dimensions and then those
   *     after
   * @param groups divides C and the output's channels
   */
  public static Tensor conv(
      Tensor x,
      Tensor weight,
      @Nullable Tensor bias,
      long[] stride,
      long[] padding,
      long[] dilation,
      long groups) {
    return correlated(
        x,
        weight,
        bias,
        stride,
        padding,
        dilation,
        groups,
        (nodes, set) -> nodes.add(set.apply(spec(nodes, "Conv", x, weight, bias))));
  }

  /**
   * {@link #conv} of integers less their zero points, given as floats: ONNX's ConvInteger, whose
   * sums become floats.
   *
   * @param integers the node without attributes: what it reads are the integers themselves
   */
  public static Tensor convInteger(
      Tensor x,
      Tensor weight,
      long[] stride,
      long[] padding,
      long[] dilation,
      long groups,
      Function<Tracer, NodeSpec> integers) {
    return correlated(
        x,
        weight,
        null,
        stride,
        padding,
        dilation,
        groups,
        (nodes, set) ->
            nodes.cast(
                nodes.add(set.apply(integers.apply(nodes.tracer()))),
                ScalarType.Int,
                ScalarType.Float));
  }

  private static Tensor correlated(
      Tensor x,
      Tensor weight,
      @Nullable Tensor bias,
      long[] stride,
      long[] padding,
      long[] dilation,
      long groups,
      BiFunction<Nodes, UnaryOperator<NodeSpec>, Value> write) {
    int dims = dims(weight);
    check("stride", stride, dims, 1);
    check("dilation", dilation, dims, 1);
    check("padding", padding, padding.length == 2 * dims ? 2 * dims : dims, 0);
    long[] before = Arrays.copyOf(padding, dims);
    long[] after = Arrays.copyOfRange(padding, padding.length - dims, padding.length);
    try (Scope scope = Scope.open()) {
      Tensor padded = x;
      long[] both = before;
      if (!Arrays.equals(before, after)) {
        padded = evened(x, before, after);
        both = new long[dims];
        for (int i = 0; i < dims; i++) {
          both[i] = Math.min(before[i], after[i]);
        }
      }
      TensorOptional shift = optional(bias);
      Tensor output =
          switch (dims) {
            case 1 -> torch.conv1d(padded, weight, shift, stride, both, dilation, groups);
            case 2 -> torch.conv2d(padded, weight, shift, stride, both, dilation, groups);
            default -> torch.conv3d(padded, weight, shift, stride, both, dilation, groups);
          };
      long[] pads = Arrays.copyOf(before, 2 * dims);
      System.arraycopy(after, 0, pads, dims, dims);
      return scope.give(
          Nodes.track(
              output,
              nodes ->
                  write.apply(
                      nodes,
                      spec ->
                          spec.with("dilations", Attribute.IntList.of(dilation))
                              .with("group", groups)
                              .with("pads", Attribute.IntList.of(pads))
                              .with("strides", Attribute.IntList.of(stride)))));
    }
  }

  /**
   * The gradient of {@link #conv} by its input, also called deconvolution.
   *
   * @param x {@code [N, C, spatial...]}
   * @param weight {@code [C, out / groups, kernel...]}
   * @param bias {@code [out]}
   * @param stride one for each spatial dimension, like the rest
   * @param padding takes that many off each side of the output
   * @param outputPadding adds that many at the end of the output; less than stride or dilation
   * @param groups divides C and the output's channels
   */
  public static Tensor convTranspose(
      Tensor x,
      Tensor weight,
      @Nullable Tensor bias,
      long[] stride,
      long[] padding,
      long[] outputPadding,
      long[] dilation,
      long groups) {
    int dims = dims(weight);
    check("stride", stride, dims, 1);
    check("padding", padding, dims, 0);
    check("output padding", outputPadding, dims, 0);
    check("dilation", dilation, dims, 1);
    try (Scope scope = Scope.open()) {
      TensorOptional shift = optional(bias);
      Tensor output =
          switch (dims) {
            case 1 ->
                torch.conv_transpose1d(
                    x, weight, shift, stride, padding, outputPadding, groups, dilation);
            case 2 ->
                torch.conv_transpose2d(
                    x, weight, shift, stride, padding, outputPadding, groups, dilation);
            default ->
                torch.conv_transpose3d(
                    x, weight, shift, stride, padding, outputPadding, groups, dilation);
          };
      long[] pads = Arrays.copyOf(padding, 2 * dims);
      System.arraycopy(padding, 0, pads, dims, dims);
      return scope.give(
          Nodes.track(
              output,
              nodes ->
                  nodes.add(
                      spec(nodes, "ConvTranspose", x, weight, bias)
                          .with("dilations", Attribute.IntList.of(dilation))
                          .with("group", groups)
                          .with("output_padding", Attribute.IntList.of(outputPadding))
                          .with("pads", Attribute.IntList.of(pads))
                          .with("strides", Attribute.IntList.of(stride)))));
    }
  }

  /** LibTorch pads both sides alike; what one side has more is put there first. */
  private static Tensor evened(Tensor x, long[] before, long[] after) {
    int dims = before.length;
    long[] more = new long[2 * dims];
    for (int i = 0; i < dims; i++) {
      long least = Math.min(before[i], after[i]);
      more[2 * (dims - 1 - i)] = before[i] - least;
      more[2 * (dims - 1 - i) + 1] = after[i] - least;
    }
    return torch.constant_pad_nd(x, more, new Scalar(0.0));
  }

  private static NodeSpec spec(
      Nodes nodes, String op, Tensor x, Tensor weight, @Nullable Tensor bias) {
    Value in = nodes.of(x, "the input of " + op);
    Value by = nodes.of(weight, "the weight of " + op);
    NodeSpec spec = NodeSpec.of(op);
    return bias == null
        ? spec.reads(in, by)
        : spec.reads(in, by, nodes.of(bias, "the bias of " + op));
  }

  private static TensorOptional optional(@Nullable Tensor tensor) {
    return tensor == null ? new TensorOptional() : new TensorOptional(tensor);
  }

  private static int dims(Tensor weight) {
    int dims = Math.toIntExact(weight.dim()) - 2;
    if (dims < 1 || dims > 3) {
      throw new IllegalArgumentException(
          "a convolution's weight has 3 to 5 dimensions, not " + (dims + 2));
    }
    return dims;
  }

  /** LibTorch reads as many numbers as there are dimensions, given or not. */
  static void check(String what, long[] values, int count, long least) {
    if (values.length != count || Arrays.stream(values).anyMatch(value -> value < least)) {
      throw new IllegalArgumentException(
          what
              + " is "
              + Arrays.toString(values)
              + ", not "
              + count
              + (count == 1 ? " number of at least " : " numbers of at least ")
              + least);
    }
  }
}
