package dev.octet.workflows.distiller;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import dev.octet.torch.op.Convolution;
import dev.octet.torch.op.Ops;
import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** Convolutions and Linear as one: a weight, perhaps a bias, and an operation. */
final class Layers {
  private Layers() {}

  static boolean isLayer(Module module) {
    return module instanceof Linear || (module instanceof ConvNd conv && !conv.isTransposed());
  }

  static Tensor weight(Module layer) {
    return layer instanceof Linear linear ? linear.weight() : ((ConvNd) layer).weight();
  }

  static @Nullable Tensor bias(Module layer) {
    return layer instanceof Linear linear ? linear.bias() : ((ConvNd) layer).bias();
  }

  /** The operation with another weight and bias. */
  static Tensor apply(Module layer, Tensor x, Tensor weight, @Nullable Tensor bias) {
    if (layer instanceof Linear) {
      return Ops.linear(x, weight, bias);
    }
    ConvNd conv = (ConvNd) layer;
    long[] padding = conv.padding();
    if (conv.paddingMode() == Ops.Padding.CONSTANT) {
      return Convolution.conv(
          x, weight, bias, conv.stride(), padding, conv.dilation(), conv.groups());
    }
    int dims = padding.length / 2;
    long[] around = new long[2 * dims];
    for (int i = 0; i < dims; i++) {
      around[2 * (dims - 1 - i)] = padding[i];
      around[2 * (dims - 1 - i) + 1] = padding[dims + i];
    }
    return Convolution.conv(
        Ops.pad(x, conv.paddingMode(), 0, around),
        weight,
        bias,
        conv.stride(),
        new long[dims],
        conv.dilation(),
        conv.groups());
  }

  /** The shape in which one number for each output channel broadcasts against the output. */
  static long[] channelShape(Module layer, long channels) {
    if (layer instanceof Linear) {
      return new long[] {channels};
    }
    long[] shape = new long[((ConvNd) layer).kernelSize().length + 1];
    Arrays.fill(shape, 1);
    shape[0] = channels;
    return shape;
  }

  /** A fresh layer of the same settings but for the bias, in eval, without gradients. */
  static Module like(Module layer, boolean bias) {
    Module made;
    if (layer instanceof Linear linear) {
      made = Linear.builder(linear.weight().size(1), linear.weight().size(0)).bias(bias).build();
    } else if (layer instanceof Conv2d conv) {
      made =
          copy(
              conv, Conv2d.builder(conv.inChannels(), conv.outChannels(), conv.kernelSize()), bias);
    } else if (layer instanceof Conv3d conv) {
      made =
          copy(
              conv, Conv3d.builder(conv.inChannels(), conv.outChannels(), conv.kernelSize()), bias);
    } else if (layer instanceof Conv1d conv) {
      made =
          copy(
              conv, Conv1d.builder(conv.inChannels(), conv.outChannels(), conv.kernelSize()), bias);
    } else {
      throw new IllegalArgumentException("no layer with a weight: " + layer);
    }
    made.requireGrad(false);
    made.train(layer.isTraining());
    return made;
  }

  private static Module copy(ConvNd from, ConvNd.Builder<?> builder, boolean bias) {
    long[] padding = from.padding();
    int dims = padding.length / 2;
    long[] before = Arrays.copyOf(padding, dims);
    builder
        .stride(from.stride())
        .dilation(from.dilation())
        .groups(from.groups())
        .paddingMode(from.paddingMode())
        .bias(bias);
    if (Arrays.equals(before, Arrays.copyOfRange(padding, dims, 2 * dims))) {
      builder.padding(before);
    } else {
      builder.padding("same"); // nothing else puts more behind than before
    }
    return builder.build();
  }

  /**
   * A layer that computes what another and the batch normalization behind it compute in eval:
   * {@code w' = w · γ/√(σ² + ε)}, {@code b' = β + (b − μ) · γ/√(σ² + ε)}, computed in float64.
   *
   * @throws IllegalArgumentException if the normalization tracks no running statistics
   */
  static Module folded(Module layer, NormNd norm) {
    Tensor mean = norm.runningMean();
    Tensor variance = norm.runningVar();
    if (mean == null || variance == null) {
      throw new IllegalArgumentException(norm + " has no running statistics to fold");
    }
    Module made = like(layer, true);
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor factor = wide(variance).add(new Scalar(norm.eps())).rsqrt();
      if (norm.weight() != null) {
        factor = factor.mul(wide(norm.weight()));
      }
      long[] column = new long[Math.toIntExact(weight(layer).dim())];
      Arrays.fill(column, 1);
      column[0] = factor.numel();
      weight(made).copy_(wide(weight(layer)).mul(factor.reshape(column)));
      Tensor bias = bias(layer);
      Tensor shift = bias == null ? wide(mean).neg() : wide(bias).sub(wide(mean));
      shift = shift.mul(factor);
      if (norm.bias() != null) {
        shift = shift.add(wide(norm.bias()));
      }
      Tensors.check(bias(made), "the folded bias").copy_(shift);
    }
    return made;
  }

  private static Tensor wide(Tensor x) {
    return x.to(ScalarType.Double);
  }
}
