package dev.octet.workflows.distiller.prune;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.BatchNorm1d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.BatchNorm3d;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import dev.octet.torch.nn.Substitution;
import dev.octet.workflows.distiller.prune.Thinning.Cut;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** Layers like others, with some of their channels. */
final class SmallerLayers {
  private SmallerLayers() {}

  /** Whether a layer has the channels that a cut keeps. */
  static boolean fits(Module module, Cut cut) {
    long outs;
    long ins;
    if (module instanceof NormNd norm) {
      outs = norm.numFeatures();
      ins = 0;
    } else if (module instanceof ConvNd conv) {
      outs = conv.outChannels();
      ins = conv.inChannels();
    } else if (module instanceof Linear linear) {
      outs = linear.weight().size(0);
      ins = linear.weight().size(1);
    } else {
      return false;
    }
    long[] in = cut.in();
    return Arrays.stream(cut.out()).allMatch(i -> i >= 0 && i < outs)
        && (in == null || Arrays.stream(in).allMatch(i -> i >= 0 && i < ins));
  }

  /**
   * A new layer.
   *
   * @param shift what is added to its outputs: to the bias, which is made if there is none, or
   *     taken off a normalization's running mean; one for each output that it had; null for nothing
   */
  static Module of(Module old, Cut cut, float @Nullable [] shift) {
    Module made;
    try (Substitution none = Substitution.open(built -> built)) {
      made =
          old instanceof NormNd norm
              ? norm(norm, cut.out().length)
              : old instanceof ConvNd conv
                  ? conv(conv, cut, conv.bias() != null || shift != null)
                  : Linear.builder(in(cut).length, cut.out().length)
                      .bias(((Linear) old).bias() != null || shift != null)
                      .build();
    }
    try (Scope scope = Scope.open()) {
      made.ownParameters()
          .forEach(
              (name, to) -> {
                Tensor from = old.ownParameters().get(name);
                if (from == null) {
                  to.zero_();
                } else {
                  to.copy_(cut(from, cut));
                  to.set_requires_grad(from.requires_grad());
                }
              });
      made.ownBuffers()
          .forEach(
              (name, to) -> {
                Tensor from = Tensors.check(old.ownBuffers().get(name), name);
                // The count of batches is an integer; the statistics are of channels.
                to.copy_(Tensors.type(from) == ScalarType.Long ? from : cut(from, cut));
              });
      if (shift != null) {
        Tensor by = cut(Tensors.of(shift, shift.length), cut);
        if (made instanceof NormNd norm) {
          Tensors.check(norm.runningMean(), "running_mean").sub_(by);
        } else {
          Tensors.check(made.ownParameters().get("bias"), "bias").add_(by);
        }
      }
    }
    if (old instanceof NormNd from && made instanceof NormNd to && from.hasFrozenStatistics()) {
      to.freezeStatistics(true);
    }
    made.train(old.isTraining());
    return made;
  }

  /** What a cut leaves of a layer's parameter, or of something in its shape. */
  static Tensor cut(Tensor tensor, Cut cut) {
    try (Scope scope = Scope.open()) {
      Tensor rows = tensor.index_select(0, Tensors.of(cut.out(), cut.out().length));
      long[] in = cut.in();
      return scope.give(
          in == null || tensor.dim() < 2 ? rows : rows.index_select(1, Tensors.of(in, in.length)));
    }
  }

  private static long[] in(Cut cut) {
    long[] in = cut.in();
    return in == null ? cut.out() : in;
  }

  private static ConvNd conv(ConvNd like, Cut cut, boolean bias) {
    long outs = cut.out().length;
    long ins = in(cut).length;
    long[] kernel = like.kernelSize();
    ConvNd.Builder<? extends ConvNd> builder =
        switch (kernel.length) {
          case 1 -> Conv1d.builder(ins, outs, kernel);
          case 2 -> Conv2d.builder(ins, outs, kernel);
          default -> Conv3d.builder(ins, outs, kernel);
        };
    long[] before = Arrays.copyOf(like.padding(), kernel.length);
    long[] after = Arrays.copyOfRange(like.padding(), kernel.length, 2 * kernel.length);
    builder.stride(like.stride()).dilation(like.dilation()).paddingMode(like.paddingMode());
    if (Arrays.equals(before, after)) {
      builder.padding(before);
    } else {
      builder.padding("same");
    }
    return builder.groups(cut.in() == null ? outs : 1).bias(bias).build();
  }

  private static NormNd norm(NormNd like, long features) {
    NormNd.Builder<? extends NormNd> builder =
        like instanceof BatchNorm1d
            ? BatchNorm1d.builder(features)
            : like instanceof BatchNorm2d
                ? BatchNorm2d.builder(features)
                : BatchNorm3d.builder(features);
    return builder
        .eps(like.eps())
        .momentum(like.momentum())
        .affine(like.weight() != null)
        .trackRunningStats(like.runningMean() != null)
        .build();
  }
}
