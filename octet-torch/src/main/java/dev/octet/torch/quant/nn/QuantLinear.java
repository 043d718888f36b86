package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.Linear;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** A {@link Linear} layer whose input and weight are quantized; its bias stays float. */
public final class QuantLinear extends Linear implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.weightAxis(0);

  private final LayerQuantizers quantizers;

  private QuantLinear(Builder<?> settings, QuantizerConfig input, QuantizerConfig weight) {
    super(settings);
    quantizers = LayerQuantizers.of(this::child, input, weight);
  }

  private QuantLinear(Linear from, QuantizerConfig input, QuantizerConfig weight) {
    super(from);
    quantizers = LayerQuantizers.of(this::child, input, weight);
  }

  /** A layer that is quantized as the defaults say. */
  public static Builder<? extends QuantLinear> builder(long in, long out) {
    return builder(DEFAULTS.input(), DEFAULTS.weight(), in, out);
  }

  /** A layer that is quantized as told. */
  public static Builder<? extends QuantLinear> builder(
      QuantizerConfig input, QuantizerConfig weight, long in, long out) {
    return new Builder<QuantLinear>(settings -> new QuantLinear(settings, input, weight), in, out);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantLinear from(Linear from) {
    return from(from, DEFAULTS.input(), DEFAULTS.weight());
  }

  /** The quantized form of a layer; it shares the parameters, and both are to be closed. */
  public static QuantLinear from(Linear from, QuantizerConfig input, QuantizerConfig weight) {
    return Twin.sharing(from, () -> new QuantLinear(from, input, weight));
  }

  @Override
  protected Tensor forward(Tensor x) {
    return compute(quantizers.input(x), quantizers.weight(weight()));
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
  public Linear toFloat() {
    return Twin.sharing(this, () -> new Linear(this));
  }
}
