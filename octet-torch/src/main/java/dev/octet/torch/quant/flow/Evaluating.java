package dev.octet.torch.quant.flow;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** A model in eval mode without gradients; closing puts modes and quantizers back as they were. */
final class Evaluating implements AutoCloseable {
  private final Map<Module, Boolean> modes = new LinkedHashMap<>();
  private final Map<TensorQuantizer, QuantizerConfig> settings = new LinkedHashMap<>();
  private final Module model;
  private final Torch.Switched noGrad;

  Evaluating(Module model) {
    this.model = model;
    for (Module module : model.modules().values()) {
      modes.put(module, module.isTraining());
      if (module instanceof TensorQuantizer quantizer) {
        settings.put(quantizer, quantizer.config());
      }
    }
    model.eval();
    noGrad = Torch.noGrad();
  }

  /** What an evaluator says of the model as it is now. */
  double score(ToDoubleFunction<Module> evaluator, String state) {
    try (Scope scope = Scope.open()) {
      double score = evaluator.applyAsDouble(model);
      if (Double.isNaN(score)) {
        throw new IllegalArgumentException("the score with " + state + " quantized is NaN");
      }
      return score;
    }
  }

  @Override
  public void close() {
    noGrad.close();
    // Parents come first, so that what a parent sets below it is corrected.
    modes.forEach(Module::train);
    settings.forEach(TensorQuantizer::config);
  }
}
