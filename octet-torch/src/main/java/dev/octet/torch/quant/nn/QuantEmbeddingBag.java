package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * An {@link EmbeddingBag} whose table is quantized, by default with a range for each row.
 *
 * <p>Made by {@link #from}; inside {@link QuantModules#initialize()} only when asked for.
 */
public final class QuantEmbeddingBag extends EmbeddingBag implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said; inputs are indices. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.weightAxis(0);

  private final LayerQuantizers quantizers;

  private QuantEmbeddingBag(EmbeddingBag from, QuantizerConfig weight) {
    super(from);
    quantizers = LayerQuantizers.ofWeight(this::child, weight);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantEmbeddingBag from(EmbeddingBag from) {
    return from(from, DEFAULTS.weight());
  }

  /** The quantized form of a layer; it shares the table, and both are to be closed. */
  public static QuantEmbeddingBag from(EmbeddingBag from, QuantizerConfig weight) {
    return Twin.sharing(from, () -> new QuantEmbeddingBag(from, weight));
  }

  @Override
  protected Tensor table(Tensor indices) {
    return quantizers.weight(super.table(indices));
  }

  @Override
  public List<TensorQuantizer> inputQuantizers() {
    return quantizers.inputs();
  }

  @Override
  public List<QuantizedWeight> quantizedWeights() {
    return quantizers.weights(weight());
  }

  @Override
  public EmbeddingBag toFloat() {
    return Twin.sharing(this, () -> new EmbeddingBag(this));
  }
}
