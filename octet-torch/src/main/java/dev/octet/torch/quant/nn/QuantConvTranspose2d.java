package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * A {@link ConvTranspose2d} whose input and weight are quantized; its bias stays float.
 *
 * <p>The output channels are the weight's axis 1, each with a range that groups share; an engine
 * that wants one for each input channel is served by a descriptor of axis 0.
 */
public final class QuantConvTranspose2d extends ConvTranspose2d implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.weightAxis(1);

  private final LayerQuantizers quantizers;

  private QuantConvTranspose2d(Builder<?> settings, QuantizerConfig input, QuantizerConfig weight) {
    super(settings);
    quantizers = LayerQuantizers.of(this::child, input, weight);
  }

  private QuantConvTranspose2d(
      ConvTranspose2d from, QuantizerConfig input, QuantizerConfig weight) {
    super(from);
    quantizers = LayerQuantizers.of(this::child, input, weight);
  }

  /** A layer that is quantized as the defaults say. */
  public static Builder<? extends QuantConvTranspose2d> builder(long in, long out, long... kernel) {
    return builder(DEFAULTS.input(), DEFAULTS.weight(), in, out, kernel);
  }

  /** A layer that is quantized as told. */
  public static Builder<? extends QuantConvTranspose2d> builder(
      QuantizerConfig input, QuantizerConfig weight, long in, long out, long... kernel) {
    return new Builder<QuantConvTranspose2d>(
        2, true, settings -> new QuantConvTranspose2d(settings, input, weight), in, out, kernel);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantConvTranspose2d from(ConvTranspose2d from) {
    return from(from, DEFAULTS.input(), DEFAULTS.weight());
  }

  /** The quantized form of a layer; it shares the parameters, and both are to be closed. */
  public static QuantConvTranspose2d from(
      ConvTranspose2d from, QuantizerConfig input, QuantizerConfig weight) {
    return Twin.sharing(from, () -> new QuantConvTranspose2d(from, input, weight));
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
  public ConvTranspose2d toFloat() {
    return Twin.sharing(this, () -> new ConvTranspose2d(this));
  }
}
