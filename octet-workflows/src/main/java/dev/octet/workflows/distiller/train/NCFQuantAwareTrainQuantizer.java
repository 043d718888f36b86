package dev.octet.workflows.distiller.train;

import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.train.Optimizer;
import dev.octet.workflows.distiller.Overrides;
import dev.octet.workflows.distiller.QBits;
import java.util.Set;

/**
 * For neural collaborative filtering, whose inputs are indices: products, joins and the outputs of
 * linear layers are quantized as well, the inputs are not.
 */
public final class NCFQuantAwareTrainQuantizer extends QuantAwareTrainRangeLinearQuantizer {
  /** A quantizer; what it does of itself overrules the settings. */
  public NCFQuantAwareTrainQuantizer(
      Module model, Optimizer optimizer, QBits bits, Overrides overrides, Settings settings) {
    super(
        model,
        optimizer,
        bits,
        overrides,
        settings.quantizeInputs(false).outputsOf(Set.of(Mul.class, Concat.class, Linear.class)));
  }
}
