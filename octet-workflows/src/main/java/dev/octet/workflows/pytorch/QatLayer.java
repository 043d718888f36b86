package dev.octet.workflows.pytorch;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.ConvSettings;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import dev.octet.torch.op.Ops;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A convolution or Linear whose weight is fake-quantized, perhaps with the batch normalisation and
 * the ReLU behind it: PyTorch's {@code torch.ao.nn.qat} and {@code torch.ao.nn.intrinsic.qat}. The
 * parameters are those of the layer it was made from, under the same names; {@code bn} and {@code
 * weight_fake_quant} are below it.
 *
 * <p>With a normalisation the weight is fake-quantized as it will be once that is folded in: {@code
 * fq(w · γ / σ)}, σ from the running statistics; the product is divided by γ / σ again before the
 * normalisation. A channel with γ = 0 gives 0 here, where PyTorch's gives NaN.
 */
public final class QatLayer extends Module {
  private final String kind;
  private final Module layer;
  private final @Nullable ConvSettings conv;
  private final Tensor weight;
  private final @Nullable Tensor bias;
  private final @Nullable Child<NormNd> norm;
  private final Child<Module> weightFakeQuant;
  private final boolean relu;

  /**
   * Takes over a layer, which this module closes with itself.
   *
   * @param kind PyTorch's name of the class, such as {@code ConvBnReLU2d}
   * @param layer a convolution or a Linear
   */
  QatLayer(
      String kind, Module layer, @Nullable NormNd norm, boolean relu, ObserverFactory weights) {
    this.kind = kind;
    this.layer = layer;
    this.relu = relu;
    conv = layer instanceof ConvNd convolution ? convolution.convSettings() : null;
    weight = share("weight", Folding.weight(layer));
    Tensor given = Folding.bias(layer);
    bias = given == null ? null : share("bias", given);
    this.norm = norm == null ? null : child("bn", norm);
    weightFakeQuant = child("weight_fake_quant", weights.create());
    train(layer.isTraining());
  }

  /** PyTorch's name of the class, such as {@code ConvBnReLU2d}. */
  public String kind() {
    return kind;
  }

  /** What fake-quantizes the weight. */
  public Module weightFakeQuant() {
    return weightFakeQuant.get();
  }

  /** Whether ReLU follows inside. */
  boolean hasRelu() {
    return relu;
  }

  /** The weight, of the shape of the layer that this was made from. */
  public Tensor weight() {
    return weight;
  }

  /** The layer that it was made from, which has the same parameters. */
  Module layer() {
    return layer;
  }

  /** The normalisation inside, if there is one. */
  @Nullable NormNd norm() {
    return norm == null ? null : norm.get();
  }

  @Override
  protected Tensor forward(Tensor x) {
    Tensor y;
    if (norm == null) {
      y = product(x, weightFakeQuant.call(weight), bias);
    } else {
      try (Scope scope = Scope.open()) {
        y = scope.give(normalised(x, norm.get()));
      }
    }
    return relu ? Ops.relu(y) : y;
  }

  private Tensor normalised(Tensor x, NormNd bn) {
    Tensor factor = Folding.away(Folding.factor(bn));
    Tensor scaled =
        weightFakeQuant.call(
            Ops.mul(weight, Ops.constant(factor.reshape(Folding.channelShape(layer, weight)))));
    Tensor product = product(x, scaled, null);
    long[] channels = new long[Math.toIntExact(product.dim())];
    Arrays.fill(channels, 1);
    channels[1] = -1;
    Tensor unscaled = Ops.div(product, Ops.constant(factor.reshape(channels)));
    if (bias != null) {
      unscaled = Ops.add(unscaled, Ops.constant(bias.reshape(channels)));
    }
    return bn.call(unscaled);
  }

  private Tensor product(Tensor x, Tensor by, @Nullable Tensor added) {
    if (conv != null) {
      return conv.convolve(x, by, added);
    }
    if (x.dim() < 1 || x.numel() == 0 || x.size(-1) != weight.size(1)) {
      throw new IllegalArgumentException(
          "it takes [..., " + weight.size(1) + "], not " + Tensors.describe(x));
    }
    return Ops.linear(x, by, added);
  }

  /** Keeps the running statistics as they are, in training too; PyTorch's freeze_bn_stats. */
  void freezeStatistics(boolean on) {
    if (norm != null) {
      norm.get().freezeStatistics(on);
    }
  }

  /**
   * The layer with the normalisation folded in, as a new one; or without a normalisation the layer
   * itself, which stays this module's.
   */
  Module toFloat() {
    try (Torch.Switched noGrad = Torch.noGrad()) {
      return norm == null ? layer : Folding.fold(layer, norm.get());
    }
  }

  @Override
  protected void release() {
    layer.close();
  }

  @Override
  protected String settings() {
    return conv == null
        ? "in_features=" + weight.size(1) + ", out_features=" + weight.size(0)
        : conv.toString();
  }

  @Override
  public String toString() {
    return "qat." + kind + "(" + settings() + ")";
  }
}
