package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.GRU;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;

/**
 * A {@link GRU} whose matrix products are quantized, one step at a time; its quantizers are those
 * of a {@link QuantLSTM}.
 *
 * <p>Made by {@link #from}, or by the float layer's builder inside {@link
 * QuantModules#initialize()}.
 */
public final class QuantGRU extends GRU implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.weightAxis(0);

  private final RecurrentQuantizers quantizers;

  private QuantGRU(
      GRU from, QuantizerConfig input, QuantizerConfig weight, RecurrentRanges ranges) {
    super(from);
    quantizers = new RecurrentQuantizers(this, this::child, input, weight, ranges);
  }

  /** The quantized form of a layer, with shared parameters, joint ranges and the defaults. */
  public static QuantGRU from(GRU from) {
    return from(from, DEFAULTS.input(), DEFAULTS.weight());
  }

  /** The same with settings for inputs and weights. */
  public static QuantGRU from(GRU from, QuantizerConfig input, QuantizerConfig weight) {
    return from(from, input, weight, RecurrentRanges.JOINT);
  }

  /** The quantized form of a layer; it shares the parameters, and both are to be closed. */
  public static QuantGRU from(
      GRU from, QuantizerConfig input, QuantizerConfig weight, RecurrentRanges ranges) {
    return Twin.sharing(from, () -> new QuantGRU(from, input, weight, ranges));
  }

  @Override
  protected boolean isStepwise() {
    return true;
  }

  @Override
  protected StepLinear<Products> linear(int layer, boolean reverse) {
    return quantizers.cell(layer, reverse).apart(weights(layer, reverse));
  }

  @Override
  public List<TensorQuantizer> inputQuantizers() {
    return quantizers.inputs();
  }

  @Override
  public List<QuantizedWeight> quantizedWeights() {
    return quantizers.weights();
  }

  @Override
  public GRU toFloat() {
    return Twin.sharing(this, () -> new GRU(this));
  }
}
