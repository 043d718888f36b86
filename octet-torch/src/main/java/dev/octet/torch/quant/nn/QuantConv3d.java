package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** A {@link Conv3d} whose input and weight are quantized; its bias stays float. */
public final class QuantConv3d extends Conv3d implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.weightAxis(0);

  private final LayerQuantizers quantizers;

  private QuantConv3d(Builder<?> settings, QuantizerConfig input, QuantizerConfig weight) {
    super(settings);
    quantizers = LayerQuantizers.of(this::child, input, weight);
  }

  private QuantConv3d(Conv3d from, QuantizerConfig input, QuantizerConfig weight) {
    super(from);
    quantizers = LayerQuantizers.of(this::child, input, weight);
  }

  /** A layer that is quantized as the defaults say. */
  public static Builder<? extends QuantConv3d> builder(long in, long out, long... kernel) {
    return builder(DEFAULTS.input(), DEFAULTS.weight(), in, out, kernel);
  }

  /** A layer that is quantized as told. */
  public static Builder<? extends QuantConv3d> builder(
      QuantizerConfig input, QuantizerConfig weight, long in, long out, long... kernel) {
    return new Builder<QuantConv3d>(
        3, false, settings -> new QuantConv3d(settings, input, weight), in, out, kernel);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantConv3d from(Conv3d from) {
    return from(from, DEFAULTS.input(), DEFAULTS.weight());
  }

  /** The quantized form of a layer; it shares the parameters, and both are to be closed. */
  public static QuantConv3d from(Conv3d from, QuantizerConfig input, QuantizerConfig weight) {
    return Twin.sharing(from, () -> new QuantConv3d(from, input, weight));
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
  public Conv3d toFloat() {
    return Twin.sharing(this, () -> new Conv3d(this));
  }
}
