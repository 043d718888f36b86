package dev.octet.workflows.pytorch;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.ConvSettings;
import dev.octet.torch.nn.ConvTranspose1d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.ConvTranspose3d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import dev.octet.torch.nn.Substitution;
import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** Batch normalisation as a part of the layer before it. */
final class Folding {
  private Folding() {}

  /**
   * A new layer that computes what a layer and a normalisation behind it do in eval mode: {@code w'
   * = w · γ / √(var + ε)}, {@code b' = (b − mean) · γ / √(var + ε) + β}.
   *
   * @param layer a convolution, transposed or not, or a Linear; stays as it is
   * @throws IllegalArgumentException if the normalisation has no running statistics
   */
  static Module fold(Module layer, NormNd norm) {
    Tensor mean = norm.runningMean();
    if (mean == null) {
      throw new IllegalArgumentException(
          norm + " has no running statistics, so that it cannot become a part of " + layer);
    }
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      Tensor factor = factor(norm);
      Tensor weight = weight(layer);
      Tensor folded = weight.mul(factor.reshape(channelShape(layer, weight)));
      Tensor bias = bias(layer);
      Tensor shifted = (bias == null ? mean.neg() : bias.sub(mean)).mul(factor);
      Tensor beta = norm.bias();
      return withParameters(layer, folded, beta == null ? shifted : shifted.add(beta));
    }
  }

  /** {@code γ / √(var + ε)}, {@code [C]}; from tracked values, without gradients through var. */
  static Tensor factor(NormNd norm) {
    Tensor variance = norm.runningVar();
    if (variance == null) {
      throw new IllegalArgumentException(norm + " has no running statistics");
    }
    Tensor inverse = variance.add(new Scalar(norm.eps())).sqrt().reciprocal();
    Tensor gamma = norm.weight();
    return gamma == null ? inverse : gamma.mul(inverse);
  }

  /** In which a value for each output channel broadcasts against the weight. */
  static long[] channelShape(Module layer, Tensor weight) {
    long[] shape = new long[Math.toIntExact(weight.dim())];
    Arrays.fill(shape, 1);
    boolean transposed = layer instanceof ConvNd conv && conv.isTransposed();
    if (transposed && ((ConvNd) layer).groups() > 1) {
      throw new IllegalArgumentException(
          layer
              + " has its output channels in groups, which a scale along axis 1 does not tell"
              + " apart; it cannot be folded");
    }
    shape[transposed ? 1 : 0] = -1;
    return shape;
  }

  static Tensor weight(Module layer) {
    return layer instanceof ConvNd conv ? conv.weight() : ((Linear) layer).weight();
  }

  static @Nullable Tensor bias(Module layer) {
    return layer instanceof ConvNd conv ? conv.bias() : ((Linear) layer).bias();
  }

  /** A new layer like another, in the same mode, of other parameters, which are copied. */
  private static Module withParameters(Module like, Tensor weight, Tensor bias) {
    try (Substitution none = Substitution.open(built -> built)) {
      Module made =
          like instanceof ConvNd conv
              ? convolution(conv.convSettings())
              : Linear.builder(weight.size(1), weight.size(0)).build();
      weight(made).copy_(weight);
      Tensor target = bias(made);
      if (target != null) {
        target.copy_(bias);
      }
      made.train(like.isTraining());
      return made;
    }
  }

  private static ConvNd convolution(ConvSettings how) {
    long in = how.inChannels();
    long out = how.outChannels();
    long[] kernel = how.kernelSize();
    ConvNd.Builder<? extends ConvNd> builder =
        switch (kernel.length) {
          case 1 ->
              how.transposed()
                  ? ConvTranspose1d.builder(in, out, kernel)
                  : Conv1d.builder(in, out, kernel);
          case 2 ->
              how.transposed()
                  ? ConvTranspose2d.builder(in, out, kernel)
                  : Conv2d.builder(in, out, kernel);
          default ->
              how.transposed()
                  ? ConvTranspose3d.builder(in, out, kernel)
                  : Conv3d.builder(in, out, kernel);
        };
    builder.stride(how.stride()).dilation(how.dilation()).groups(how.groups());
    long[] before = Arrays.copyOf(how.padding(), kernel.length);
    long[] after = Arrays.copyOfRange(how.padding(), kernel.length, 2 * kernel.length);
    if (Arrays.equals(before, after)) {
      builder.padding(before);
    } else {
      builder.padding("same");
    }
    builder.paddingMode(how.paddingMode());
    if (how.transposed()) {
      builder.outputPadding(how.outputPadding());
      if (how.outputSize().length > 0) {
        builder.outputSize(how.outputSize());
      }
    }
    return builder.build();
  }

  /** The smallest factor that is divided by: a channel with γ = 0 gives 0, not NaN. */
  static Tensor away(Tensor factor) {
    try (Scope scope = Scope.open()) {
      Tensor tiny = torch.full_like(factor, new Scalar(1e-12));
      return scope.give(torch.where(factor.abs().lt(new Scalar(1e-12)), tiny, factor));
    }
  }
}
