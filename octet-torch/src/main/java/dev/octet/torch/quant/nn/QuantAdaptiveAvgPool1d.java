package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.AdaptiveAvgPool1d;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** An {@link AdaptiveAvgPool1d} whose input is quantized. */
public final class QuantAdaptiveAvgPool1d extends AdaptiveAvgPool1d implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.inputOnly();

  private final LayerQuantizers quantizers;

  private QuantAdaptiveAvgPool1d(QuantizerConfig input, long... size) {
    super(size);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** A layer that is quantized as the defaults say. */
  public static QuantAdaptiveAvgPool1d of(long... size) {
    return of(DEFAULTS.input(), size);
  }

  /** A layer that is quantized as told. */
  public static QuantAdaptiveAvgPool1d of(QuantizerConfig input, long... size) {
    return new QuantAdaptiveAvgPool1d(input, size);
  }

  private QuantAdaptiveAvgPool1d(AdaptiveAvgPool1d from, QuantizerConfig input) {
    super(from);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantAdaptiveAvgPool1d from(AdaptiveAvgPool1d from) {
    return from(from, DEFAULTS.input());
  }

  /** The quantized form of a layer; both are to be closed. */
  public static QuantAdaptiveAvgPool1d from(AdaptiveAvgPool1d from, QuantizerConfig input) {
    return Twin.sharing(from, () -> new QuantAdaptiveAvgPool1d(from, input));
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
  public AdaptiveAvgPool1d toFloat() {
    return Twin.sharing(this, () -> new AdaptiveAvgPool1d(this));
  }
}
