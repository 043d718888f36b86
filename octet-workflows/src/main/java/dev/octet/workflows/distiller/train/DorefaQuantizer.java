package dev.octet.workflows.distiller.train;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.DistillerFakeQuantize;
import dev.octet.torch.train.Optimizer;
import dev.octet.workflows.distiller.Overrides;
import dev.octet.workflows.distiller.ParamToQuant;
import dev.octet.workflows.distiller.QBits;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * DoReFa-Net (arXiv 1606.06160): weights by {@link DistillerFakeQuantize#dorefaWeight}, 1 to 16
 * bits; every ReLU becomes a cut to [0, 1] with {@code 2^bits} levels. Gradients are not quantized.
 * The first and the last layer are best left float, by overrides.
 */
public class DorefaQuantizer extends TrainingQuantizer {
  /**
   * A quantizer.
   *
   * @param optimizer of the model's parameters
   */
  public DorefaQuantizer(Module model, Optimizer optimizer, QBits bits, Overrides overrides) {
    super(model, optimizer, bits, overrides);
    replaceActivation(
        "ReLU",
        Set.of(),
        (module, name, own, arguments) -> {
          Integer acts = own.acts();
          if (acts == null || !rounds(acts)) {
            return module;
          }
          Module made = activation(acts);
          made.train(module.isTraining());
          return made;
        });
  }

  /** What stands in the place of a ReLU. */
  Module activation(int bits) {
    return new ClippedLinearQuantization(bits, 1);
  }

  @Override
  final Tensor quantizeWeight(Tensor weight, ParamToQuant param) {
    return DistillerFakeQuantize.dorefaWeight(weight, param.bits());
  }

  @Override
  final QuantParams weightGrid(Tensor weight, ParamToQuant param) {
    return DistillerFakeQuantize.dorefaGrid(weight, param.bits());
  }
}
