package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.ConvTranspose3d;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * A {@link ConvTranspose3d} whose input and weight are quantized; its bias stays float.
 *
 * <p>The output channels are the weight's axis 1, each with a range that groups share; an engine
 * that wants one for each input channel is served by a descriptor of axis 0.
 */
public final class QuantConvTranspose3d extends ConvTranspose3d implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.weightAxis(1);

  private final LayerQuantizers quantizers;

  private QuantConvTranspose3d(Builder<?> settings, QuantizerConfig input, QuantizerConfig weight) {
    super(settings);
    quantizers = LayerQuantizers.of(this::child, input, weight);
  }

  private QuantConvTranspose3d(
      ConvTranspose3d from, QuantizerConfig input, QuantizerConfig weight) {
    super(from);
    quantizers = LayerQuantizers.of(this::child, input, weight);
  }

  /** A layer that is quantized as the defaults say. */
  public static Builder<? extends QuantConvTranspose3d> builder(long in, long out, long... kernel) {
    return builder(DEFAULTS.input(), DEFAULTS.weight(), in, out, kernel);
  }

  /** A layer that is quantized as told. */
  public static Builder<? extends QuantConvTranspose3d> builder(
      QuantizerConfig input, QuantizerConfig weight, long in, long out, long... kernel) {
    return new Builder<QuantConvTranspose3d>(
        3, true, settings -> new QuantConvTranspose3d(settings, input, weight), in, out, kernel);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantConvTranspose3d from(ConvTranspose3d from) {
    return from(from, DEFAULTS.input(), DEFAULTS.weight());
  }

  /** The quantized form of a layer; it shares the parameters, and both are to be closed. */
  public static QuantConvTranspose3d from(
      ConvTranspose3d from, QuantizerConfig input, QuantizerConfig weight) {
    return Twin.sharing(from, () -> new QuantConvTranspose3d(from, input, weight));
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
  public ConvTranspose3d toFloat() {
    return Twin.sharing(this, () -> new ConvTranspose3d(this));
  }
}
