package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.RNNCell;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * An {@link RNNCell} whose matrix products are quantized: {@code _input_quantizer} and {@code
 * _weight_quantizer} with joint ranges, {@code _input_quantizers.0} and so on with separate ones.
 *
 * <p>Made by {@link #from}, or by the float layer's builder inside {@link
 * QuantModules#initialize()}.
 */
public final class QuantRNNCell extends RNNCell implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.weightAxis(0);

  private final CellQuantizers quantizers;

  private QuantRNNCell(
      RNNCell from, QuantizerConfig input, QuantizerConfig weight, RecurrentRanges ranges) {
    super(from);
    quantizers = CellQuantizers.of(this::child, input, weight, ranges);
  }

  /** The quantized form of a layer, with shared parameters, joint ranges and the defaults. */
  public static QuantRNNCell from(RNNCell from) {
    return from(from, DEFAULTS.input(), DEFAULTS.weight());
  }

  /** The same with settings for inputs and weights. */
  public static QuantRNNCell from(RNNCell from, QuantizerConfig input, QuantizerConfig weight) {
    return from(from, input, weight, RecurrentRanges.JOINT);
  }

  /** The quantized form of a layer; it shares the parameters, and both are to be closed. */
  public static QuantRNNCell from(
      RNNCell from, QuantizerConfig input, QuantizerConfig weight, RecurrentRanges ranges) {
    return Twin.sharing(from, () -> new QuantRNNCell(from, input, weight, ranges));
  }

  @Override
  protected StepLinear<Tensor> linear() {
    return quantizers.sum(weights());
  }

  @Override
  public List<TensorQuantizer> inputQuantizers() {
    return quantizers.inputQuantizers();
  }

  @Override
  public List<QuantizedWeight> quantizedWeights() {
    return quantizers.quantizedWeights("", weights());
  }

  @Override
  public RNNCell toFloat() {
    return Twin.sharing(this, () -> new RNNCell(this));
  }
}
