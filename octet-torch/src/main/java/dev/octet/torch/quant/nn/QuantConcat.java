package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * A {@link Concat} whose inputs are quantized by one quantizer, so that they share a range and the
 * integers can be put together as they are. A range that is not calibrated but taken from each
 * tensor is that of each input alone.
 */
public final class QuantConcat extends Concat implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.inputOnly();

  private final Child<TensorQuantizer> quantizer;

  private QuantConcat(int dim, QuantizerConfig input) {
    super(dim);
    quantizer = child("_input_quantizer", new TensorQuantizer(input));
  }

  /** A layer that is quantized as the defaults say. */
  public static QuantConcat of(int dim) {
    return of(DEFAULTS.input(), dim);
  }

  /** A layer that is quantized as told. */
  public static QuantConcat of(QuantizerConfig input, int dim) {
    return new QuantConcat(dim, input);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantConcat from(Concat from) {
    return from(from, DEFAULTS.input());
  }

  /** The quantized form of a layer; both are to be closed. */
  public static QuantConcat from(Concat from, QuantizerConfig input) {
    return Twin.sharing(from, () -> new QuantConcat(from.dim(), input));
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    Tensor[] quantized = new Tensor[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      quantized[i] = quantizer.call(inputs[i]);
    }
    return compute(quantized);
  }

  @Override
  public List<TensorQuantizer> inputQuantizers() {
    return List.of(quantizer.get());
  }

  @Override
  public List<QuantizedWeight> quantizedWeights() {
    return List.of();
  }

  @Override
  public Concat toFloat() {
    return Twin.plain(this, () -> Concat.of(dim()));
  }
}
