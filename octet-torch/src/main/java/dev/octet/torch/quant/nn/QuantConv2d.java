package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** A {@link Conv2d} whose input and weight are quantized; its bias stays float. */
public final class QuantConv2d extends Conv2d implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.weightAxis(0);

  private final LayerQuantizers quantizers;

  private QuantConv2d(Builder<?> settings, QuantizerConfig input, QuantizerConfig weight) {
    super(settings);
    quantizers = LayerQuantizers.of(this::child, input, weight);
  }

  private QuantConv2d(Conv2d from, QuantizerConfig input, QuantizerConfig weight) {
    super(from);
    quantizers = LayerQuantizers.of(this::child, input, weight);
  }

  /** A layer that is quantized as the defaults say. */
  public static Builder<? extends QuantConv2d> builder(long in, long out, long... kernel) {
    return builder(DEFAULTS.input(), DEFAULTS.weight(), in, out, kernel);
  }

  /** A layer that is quantized as told. */
  public static Builder<? extends QuantConv2d> builder(
      QuantizerConfig input, QuantizerConfig weight, long in, long out, long... kernel) {
    return new Builder<QuantConv2d>(
        2, false, settings -> new QuantConv2d(settings, input, weight), in, out, kernel);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantConv2d from(Conv2d from) {
    return from(from, DEFAULTS.input(), DEFAULTS.weight());
  }

  /** The quantized form of a layer; it shares the parameters, and both are to be closed. */
  public static QuantConv2d from(Conv2d from, QuantizerConfig input, QuantizerConfig weight) {
    return Twin.sharing(from, () -> new QuantConv2d(from, input, weight));
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
  public Conv2d toFloat() {
    return Twin.sharing(this, () -> new Conv2d(this));
  }
}
