package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.RNN;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * An {@link RNN} whose matrix products are quantized, one step at a time. Biases and the function
 * of a step stay float.
 *
 * <p>Each layer and direction has its quantizers: {@code _input_quantizers.0} and {@code
 * _weight_quantizers.0} for layer 0 forwards, 1 for layer 0 backwards if it is bidirectional, and
 * so on.
 *
 * <p>Made by {@link #from}, or by the float layer's builder inside {@link
 * QuantModules#initialize()}.
 */
public final class QuantRNN extends RNN implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.weightAxis(0);

  private final RecurrentQuantizers quantizers;

  private QuantRNN(
      RNN from, QuantizerConfig input, QuantizerConfig weight, RecurrentRanges ranges) {
    super(from);
    quantizers = new RecurrentQuantizers(this, this::child, input, weight, ranges);
  }

  /** The quantized form of a layer, with shared parameters, joint ranges and the defaults. */
  public static QuantRNN from(RNN from) {
    return from(from, DEFAULTS.input(), DEFAULTS.weight());
  }

  /** The same with settings for inputs and weights. */
  public static QuantRNN from(RNN from, QuantizerConfig input, QuantizerConfig weight) {
    return from(from, input, weight, RecurrentRanges.JOINT);
  }

  /** The quantized form of a layer; it shares the parameters, and both are to be closed. */
  public static QuantRNN from(
      RNN from, QuantizerConfig input, QuantizerConfig weight, RecurrentRanges ranges) {
    return Twin.sharing(from, () -> new QuantRNN(from, input, weight, ranges));
  }

  @Override
  protected boolean isStepwise() {
    return true;
  }

  @Override
  protected StepLinear<Tensor> linear(int layer, boolean reverse) {
    return quantizers.cell(layer, reverse).sum(weights(layer, reverse));
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
  public RNN toFloat() {
    return Twin.sharing(this, () -> new RNN(this));
  }
}
