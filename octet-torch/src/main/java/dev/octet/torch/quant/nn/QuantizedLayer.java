package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;

/** A layer with quantizers on its inputs and, where it has some, on its weights. */
public interface QuantizedLayer {
  /** The quantizers of inputs, in the order of the inputs. */
  List<TensorQuantizer> inputQuantizers();

  /** The weights with their quantizers; none for a layer without weights. */
  List<QuantizedWeight> quantizedWeights();

  /** The quantizers of weights. */
  default List<TensorQuantizer> weightQuantizers() {
    return quantizedWeights().stream().map(QuantizedWeight::quantizer).toList();
  }

  /**
   * The float form: a new layer that shares the parameters, in the same mode. Both are to be
   * closed.
   */
  Module toFloat();
}
