package dev.octet.workflows.distiller.train;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.DistillerFakeQuantize;
import dev.octet.torch.train.Optimizer;
import dev.octet.workflows.distiller.LinearQuantMode;
import dev.octet.workflows.distiller.Overrides;
import dev.octet.workflows.distiller.ParamToQuant;
import dev.octet.workflows.distiller.QBits;
import dev.octet.workflows.distiller.Quantizer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What the quantizers that train share: float copies, zeros that stay zeros, biases.
 *
 * <p>An element of a weight that is exactly zero, as a pruner makes it, is zero after quantization
 * too, whether or not the levels hold zero. Biases have linear integers of their own range. More
 * than {@value #MOST_BITS} bits leave a parameter or an activation as it is: float32 has not many
 * more itself.
 */
public abstract class TrainingQuantizer extends Quantizer {
  /** Of more bits nothing is rounded. */
  static final int MOST_BITS = 16;

  /** The widest integers that a weight is exported as. */
  private static final int EXPORTED_BITS = 8;

  /**
   * For subclasses.
   *
   * @param optimizer of the model's parameters, which stay those that train
   */
  TrainingQuantizer(Module model, Optimizer optimizer, QBits bits, Overrides overrides) {
    super(model, bits, overrides, optimizer, true);
  }

  /** A weight's values after quantization; gradients pass. */
  abstract Tensor quantizeWeight(Tensor weight, ParamToQuant param);

  /** The integers of the weight's levels, zero among them. */
  abstract @Nullable QuantParams weightGrid(Tensor weight, ParamToQuant param);

  @Override
  protected final Tensor quantizeParam(Tensor floating, ParamToQuant param) {
    if (param.bits() > MOST_BITS) {
      return floating;
    }
    if (param.isBias()) {
      return DistillerFakeQuantize.straightThrough(floating, biasGrid(floating, param));
    }
    Tensor quantized = quantizeWeight(floating, param);
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      // Nobody saved these values for a gradient: what made them are sums and products of
      // constants.
      quantized.detach().mul_(floating.detach().ne(new Scalar(0.0)));
    }
    return quantized;
  }

  private static QuantParams biasGrid(Tensor bias, ParamToQuant param) {
    return LinearRanges.of(
        LinearQuantMode.SYMMETRIC_RESTRICTED, Math.max(2, param.bits()), bias, false);
  }

  @Override
  protected final @Nullable QuantParams integersOf(Tensor floating, ParamToQuant param) {
    // A bias becomes int32 of the layer's own scale where the output is quantized.
    if (param.isBias() || param.bits() > EXPORTED_BITS) {
      return null;
    }
    QuantParams grid = weightGrid(floating, param);
    boolean fits = grid != null && grid.qmax() - grid.qmin() < 1 << EXPORTED_BITS;
    return fits ? grid : null;
  }

  /** What computes with weights or activations that are not quantized, by path, and why. */
  public final Map<String, String> keptFloat() {
    Map<String, String> kept = new LinkedHashMap<>();
    model()
        .modules()
        .forEach(
            (path, module) -> {
              QBits own = moduleBits().getOrDefault(path, QBits.NONE);
              Tensor weight = module.ownParameters().get("weight");
              if (module instanceof Activation
                  && !path.endsWith("." + FakeQuantizationWrapper.INNER)) {
                kept.put(path, reason(own.acts(), "activations of " + module));
              } else if (weight != null && weight.dim() > 1) {
                kept.put(
                    path, reason(own.wts(), "weights of " + module.getClass().getSimpleName()));
              }
            });
    return kept;
  }

  private String reason(@Nullable Integer own, String what) {
    if (own == null) {
      return what + " have no bits here";
    }
    return own > MOST_BITS
        ? "of " + own + " bits nothing is rounded"
        : getClass().getSimpleName() + " does not quantize " + what;
  }

  /** Whether activations of so many bits are rounded at all. */
  static boolean rounds(@Nullable Integer bits) {
    return bits != null && bits <= MOST_BITS;
  }
}
