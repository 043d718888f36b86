package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** A {@link BatchNorm2d} whose input is quantized; parameters and statistics stay float. */
public final class QuantBatchNorm2d extends BatchNorm2d implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.inputOnly();

  private final LayerQuantizers quantizers;

  private QuantBatchNorm2d(Builder<?> settings, QuantizerConfig input) {
    super(settings);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** A layer that is quantized as the defaults say. */
  public static Builder<? extends QuantBatchNorm2d> builder(long features) {
    return builder(DEFAULTS.input(), features);
  }

  /** A layer that is quantized as told. */
  public static Builder<? extends QuantBatchNorm2d> builder(QuantizerConfig input, long features) {
    return new Builder<QuantBatchNorm2d>(
        2, false, settings -> new QuantBatchNorm2d(settings, input), features);
  }

  private QuantBatchNorm2d(BatchNorm2d from, QuantizerConfig input) {
    super(from);
    quantizers = LayerQuantizers.ofInput(this::child, input);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantBatchNorm2d from(BatchNorm2d from) {
    return from(from, DEFAULTS.input());
  }

  /** The quantized form of a layer; both are to be closed. */
  public static QuantBatchNorm2d from(BatchNorm2d from, QuantizerConfig input) {
    return Twin.sharing(from, () -> new QuantBatchNorm2d(from, input));
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
  public BatchNorm2d toFloat() {
    return Twin.sharing(this, () -> new BatchNorm2d(this));
  }
}
