package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.AvgPool3d;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** An {@link AvgPool3d} whose input is quantized. */
public final class QuantAvgPool3d extends AvgPool3d implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.inputOnly();

  private final LayerQuantizers quantizers;

  private QuantAvgPool3d(Builder<?> settings, QuantizerConfig input) {
    super(settings);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** A layer that is quantized as the defaults say. */
  public static Builder<? extends QuantAvgPool3d> builder(long... kernel) {
    return builder(DEFAULTS.input(), kernel);
  }

  /** A layer that is quantized as told. */
  public static Builder<? extends QuantAvgPool3d> builder(QuantizerConfig input, long... kernel) {
    return new Builder<QuantAvgPool3d>(
        3, false, settings -> new QuantAvgPool3d(settings, input), kernel);
  }

  private QuantAvgPool3d(AvgPool3d from, QuantizerConfig input) {
    super(from);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantAvgPool3d from(AvgPool3d from) {
    return from(from, DEFAULTS.input());
  }

  /** The quantized form of a layer; both are to be closed. */
  public static QuantAvgPool3d from(AvgPool3d from, QuantizerConfig input) {
    return Twin.sharing(from, () -> new QuantAvgPool3d(from, input));
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
  public AvgPool3d toFloat() {
    return Twin.sharing(this, () -> new AvgPool3d(this));
  }
}
