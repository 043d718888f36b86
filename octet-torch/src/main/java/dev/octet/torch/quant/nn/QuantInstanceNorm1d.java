package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.InstanceNorm1d;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** An {@link InstanceNorm1d} whose input is quantized; parameters and statistics stay float. */
public final class QuantInstanceNorm1d extends InstanceNorm1d implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.inputOnly();

  private final LayerQuantizers quantizers;

  private QuantInstanceNorm1d(Builder<?> settings, QuantizerConfig input) {
    super(settings);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** A layer that is quantized as the defaults say. */
  public static Builder<? extends QuantInstanceNorm1d> builder(long features) {
    return builder(DEFAULTS.input(), features);
  }

  /** A layer that is quantized as told. */
  public static Builder<? extends QuantInstanceNorm1d> builder(
      QuantizerConfig input, long features) {
    return new Builder<QuantInstanceNorm1d>(
        1, true, settings -> new QuantInstanceNorm1d(settings, input), features);
  }

  private QuantInstanceNorm1d(InstanceNorm1d from, QuantizerConfig input) {
    super(from);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantInstanceNorm1d from(InstanceNorm1d from) {
    return from(from, DEFAULTS.input());
  }

  /** The quantized form of a layer; both are to be closed. */
  public static QuantInstanceNorm1d from(InstanceNorm1d from, QuantizerConfig input) {
    return Twin.sharing(from, () -> new QuantInstanceNorm1d(from, input));
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
  public InstanceNorm1d toFloat() {
    return Twin.sharing(this, () -> new InstanceNorm1d(this));
  }
}
