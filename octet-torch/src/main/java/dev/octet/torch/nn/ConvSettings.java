package dev.octet.torch.nn;

import dev.octet.graph.NodeSpec;
import dev.octet.torch.op.Convolution;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Tracer;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * All that there is to say about a convolution beside its parameters. The arrays are not to be
 * changed.
 *
 * @param transposed whether it is a transposed convolution
 * @param inChannels how many channels come in
 * @param outChannels how many channels go out
 * @param kernelSize of the window, one for each of one to three dimensions, like the rest
 * @param stride steps from window to window
 * @param padding what is put, or taken off, before each dimension, and then after each
 * @param paddingMode what the padding holds
 * @param outputPadding transposed: what is added at the end, where no output size is set
 * @param outputSize transposed: the spatial size of the output that decides on its padding; empty
 *     for none
 * @param dilation steps inside a window
 * @param groups into how many groups channels are cut
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record ConvSettings(
    boolean transposed,
    long inChannels,
    long outChannels,
    long[] kernelSize,
    long[] stride,
    long[] padding,
    Ops.Padding paddingMode,
    long[] outputPadding,
    long[] outputSize,
    long[] dilation,
    long groups) {

  /** Checks that numbers are there for all dimensions, and divide where they must. */
  public ConvSettings {
    int dims = kernelSize.length;
    if (dims < 1 || dims > 3) {
      throw new IllegalArgumentException("a window has 1 to 3 dimensions, not " + dims);
    }
    Inputs.atLeast(1, "the number of groups", groups);
    Inputs.atLeast(1, "the number of input channels", inChannels);
    Inputs.atLeast(1, "the number of output channels", outChannels);
    if (inChannels % groups != 0 || outChannels % groups != 0) {
      throw new IllegalArgumentException(
          groups
              + " groups do not divide "
              + inChannels
              + " input and "
              + outChannels
              + " output channels");
    }
    check("the kernel size", kernelSize, dims, 1);
    check("the stride", stride, dims, 1);
    check("the padding", padding, 2 * dims, 0);
    check("the output padding", outputPadding, dims, 0);
    check("the dilation", dilation, dims, 1);
    if (outputSize.length > 0) {
      check("the output size", outputSize, dims, 1);
    }
  }

  private static void check(String what, long[] numbers, int count, long least) {
    if (numbers.length != count || Arrays.stream(numbers).anyMatch(each -> each < least)) {
      throw new IllegalArgumentException(
          what
              + " is "
              + Arrays.toString(numbers)
              + ", not "
              + count
              + " numbers of at least "
              + least);
    }
  }

  /** The shape of the weight. */
  public long[] weightShape() {
    long[] shape = new long[kernelSize.length + 2];
    shape[0] = transposed ? inChannels : outChannels;
    shape[1] = (transposed ? outChannels : inChannels) / groups;
    System.arraycopy(kernelSize, 0, shape, 2, kernelSize.length);
    return shape;
  }

  /**
   * The output, from tracked operations.
   *
   * @param x {@code [N, in, spatial...]}
   * @param weight of {@link #weightShape}
   * @param bias {@code [out]}
   * @throws IllegalArgumentException if the input does not fit
   */
  public Tensor convolve(Tensor x, Tensor weight, @Nullable Tensor bias) {
    int dims = kernelSize.length;
    Inputs.batched(x, dims, inChannels, weight);
    if (transposed) {
      long[] half = Arrays.copyOf(padding, dims);
      return Convolution.convTranspose(
          x, weight, bias, stride, half, endPadding(x), dilation, groups);
    }
    return Convolution.conv(padded(x), weight, bias, stride, around(), dilation, groups);
  }

  /** Whether the same nodes compute inputs of all sizes. */
  public boolean takesAnySize() {
    return paddingMode == Ops.Padding.CONSTANT && outputSize.length == 0;
  }

  /** The input with what is not zeros around it, where the padding mode asks for that. */
  public Tensor padded(Tensor x) {
    if (paddingMode == Ops.Padding.CONSTANT) {
      return x;
    }
    int dims = kernelSize.length;
    long[] around = new long[2 * dims];
    for (int i = 0; i < dims; i++) {
      around[2 * (dims - 1 - i)] = padding[i];
      around[2 * (dims - 1 - i) + 1] = padding[dims + i];
    }
    return Ops.pad(x, paddingMode, 0, around);
  }

  /** The zeros that are still to be put around. */
  private long[] around() {
    return paddingMode == Ops.Padding.CONSTANT ? padding : new long[kernelSize.length];
  }

  /**
   * The sums of products of integers, as floats; not of a transposed convolution.
   *
   * @param x {@linkplain #padded padded} integers less their zero point, as floats
   * @param weight likewise
   * @param integers as of {@link Convolution#convInteger}
   */
  public Tensor convolveIntegers(Tensor x, Tensor weight, Function<Tracer, NodeSpec> integers) {
    return Convolution.convInteger(x, weight, stride, around(), dilation, groups, integers);
  }

  private long[] endPadding(Tensor x) {
    if (outputSize.length == 0) {
      return outputPadding;
    }
    int dims = kernelSize.length;
    long[] rest = new long[dims];
    for (int i = 0; i < dims; i++) {
      long least = (x.size(2 + i) - 1) * stride[i] - 2 * padding[i];
      least += dilation[i] * (kernelSize[i] - 1) + 1;
      rest[i] = outputSize[i] - least;
      if (rest[i] < 0 || rest[i] >= stride[i]) {
        throw new IllegalArgumentException(
            "dimension "
                + (2 + i)
                + " of the output can be "
                + least
                + " to "
                + (least + stride[i] - 1)
                + ", not "
                + outputSize[i]);
      }
    }
    return rest;
  }

  @Override
  public String toString() {
    return text(true);
  }

  /** As PyTorch prints the settings of a layer. */
  String text(boolean bias) {
    int dims = kernelSize.length;
    StringBuilder text = new StringBuilder();
    text.append(inChannels).append(", ").append(outChannels);
    text.append(", kernel_size=").append(Inputs.tuple(kernelSize));
    text.append(", stride=").append(Inputs.tuple(stride));
    long[] before = Arrays.copyOf(padding, dims);
    if (!Arrays.equals(before, Arrays.copyOfRange(padding, dims, 2 * dims))) {
      text.append(", padding=same");
    } else if (!Inputs.all(before, 0)) {
      text.append(", padding=").append(Inputs.tuple(before));
    }
    if (!Inputs.all(dilation, 1)) {
      text.append(", dilation=").append(Inputs.tuple(dilation));
    }
    if (!Inputs.all(outputPadding, 0)) {
      text.append(", output_padding=").append(Inputs.tuple(outputPadding));
    }
    if (outputSize.length > 0) {
      text.append(", output_size=").append(Inputs.tuple(outputSize));
    }
    if (groups != 1) {
      text.append(", groups=").append(groups);
    }
    if (!bias) {
      text.append(", bias=False");
    }
    if (paddingMode != Ops.Padding.CONSTANT) {
      text.append(", padding_mode=").append(paddingMode.name().toLowerCase(Locale.ROOT));
    }
    return text.toString();
  }
}
