package dev.octet.workflows.distiller.train;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.DistillerFakeQuantize;
import dev.octet.torch.train.Optimizer;
import dev.octet.workflows.distiller.Overrides;
import dev.octet.workflows.distiller.ParamToQuant;
import dev.octet.workflows.distiller.QBits;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * WRPN (arXiv 1709.01134), without widening: weights are cut to [−1, 1] and have {@code 2^(bits−1)
 * − 1} levels on each side of zero, from 2 bits on; every ReLU becomes a cut to [0, 1] with {@code
 * 2^bits} levels.
 */
public final class WRPNQuantizer extends TrainingQuantizer {
  private final Levels levels;

  /** A quantizer with the levels of the paper. */
  public WRPNQuantizer(Module model, Optimizer optimizer, QBits bits, Overrides overrides) {
    this(model, optimizer, bits, overrides, Levels.WITHIN_BITS);
  }

  /**
   * A quantizer.
   *
   * @param optimizer of the model's parameters
   * @param levels {@link Levels#AS_DISTILLER} for the levels of Distiller's code, see {@link
   *     DistillerFakeQuantize#wrpnWeightAsDistiller}
   */
  public WRPNQuantizer(
      Module model, Optimizer optimizer, QBits bits, Overrides overrides, Levels levels) {
    super(model, optimizer, bits, overrides);
    this.levels = levels;
    for (Map.Entry<String, QBits> each : moduleBits().entrySet()) {
      Integer weights = each.getValue().wts();
      if (weights != null && weights < 2) {
        throw new IllegalArgumentException(
            "'"
                + each.getKey()
                + "' has weights of 1 bit, which WRPN has no levels for; choose 2"
                + " or more, or DoReFa");
      }
    }
    replaceActivation(
        "ReLU",
        Set.of(),
        (module, name, own, arguments) -> {
          Integer acts = own.acts();
          if (acts == null || !rounds(acts)) {
            return module;
          }
          Module made = new ClippedLinearQuantization(acts, 1);
          made.train(module.isTraining());
          return made;
        });
  }

  @Override
  Tensor quantizeWeight(Tensor weight, ParamToQuant param) {
    return levels == Levels.AS_DISTILLER
        ? DistillerFakeQuantize.wrpnWeightAsDistiller(weight, param.bits())
        : DistillerFakeQuantize.wrpnWeight(weight, param.bits());
  }

  @Override
  @Nullable QuantParams weightGrid(Tensor weight, ParamToQuant param) {
    if (levels == Levels.WITHIN_BITS) {
      return DistillerFakeQuantize.wrpnGrid(param.bits());
    }
    int half = 1 << (param.bits() - 1);
    return QuantParams.affine(1 / (half - 0.5f), 0, -half, half);
  }

  @Override
  protected Map<String, @Nullable Object> arguments() {
    Map<String, @Nullable Object> data = super.arguments();
    data.put("levels", levels.name());
    return data;
  }
}
