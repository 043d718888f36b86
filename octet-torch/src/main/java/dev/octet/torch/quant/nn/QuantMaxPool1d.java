package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.MaxPool1d;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** A {@link MaxPool1d} whose input is quantized. */
public final class QuantMaxPool1d extends MaxPool1d implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.inputOnly();

  private final LayerQuantizers quantizers;

  private QuantMaxPool1d(Builder<?> settings, QuantizerConfig input) {
    super(settings);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** A layer that is quantized as the defaults say. */
  public static Builder<? extends QuantMaxPool1d> builder(long... kernel) {
    return builder(DEFAULTS.input(), kernel);
  }

  /** A layer that is quantized as told. */
  public static Builder<? extends QuantMaxPool1d> builder(QuantizerConfig input, long... kernel) {
    return new Builder<QuantMaxPool1d>(
        1, true, settings -> new QuantMaxPool1d(settings, input), kernel);
  }

  private QuantMaxPool1d(MaxPool1d from, QuantizerConfig input) {
    super(from);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantMaxPool1d from(MaxPool1d from) {
    return from(from, DEFAULTS.input());
  }

  /** The quantized form of a layer; both are to be closed. */
  public static QuantMaxPool1d from(MaxPool1d from, QuantizerConfig input) {
    return Twin.sharing(from, () -> new QuantMaxPool1d(from, input));
  }

  @Override
  protected Tensor forward(Tensor x) {
    return compute(quantizers.input(x));
  }

  @Override
  public List<TensorQuantizer> inputQuantizers() {
    return quantizers.inputs();
  }

  @Override
  public List<QuantizedWeight> quantizedWeights() {
    return List.of();
  }

  @Override
  public MaxPool1d toFloat() {
    return Twin.sharing(this, () -> new MaxPool1d(this));
  }
}
