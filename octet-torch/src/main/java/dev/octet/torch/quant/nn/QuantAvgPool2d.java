package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.AvgPool2d;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** An {@link AvgPool2d} whose input is quantized. */
public final class QuantAvgPool2d extends AvgPool2d implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.inputOnly();

  private final LayerQuantizers quantizers;

  private QuantAvgPool2d(Builder<?> settings, QuantizerConfig input) {
    super(settings);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** A layer that is quantized as the defaults say. */
  public static Builder<? extends QuantAvgPool2d> builder(long... kernel) {
    return builder(DEFAULTS.input(), kernel);
  }

  /** A layer that is quantized as told. */
  public static Builder<? extends QuantAvgPool2d> builder(QuantizerConfig input, long... kernel) {
    return new Builder<QuantAvgPool2d>(
        2, false, settings -> new QuantAvgPool2d(settings, input), kernel);
  }

  private QuantAvgPool2d(AvgPool2d from, QuantizerConfig input) {
    super(from);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantAvgPool2d from(AvgPool2d from) {
    return from(from, DEFAULTS.input());
  }

  /** The quantized form of a layer; both are to be closed. */
  public static QuantAvgPool2d from(AvgPool2d from, QuantizerConfig input) {
    return Twin.sharing(from, () -> new QuantAvgPool2d(from, input));
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
  public AvgPool2d toFloat() {
    return Twin.sharing(this, () -> new AvgPool2d(this));
  }
}
