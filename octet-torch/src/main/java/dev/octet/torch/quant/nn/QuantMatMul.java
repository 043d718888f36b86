package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.MatMul;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * The matrix product of two tensors, each quantized by itself: {@code _input_quantizers.0} and
 * {@code _input_quantizers.1}.
 */
public final class QuantMatMul extends MatMul implements QuantizedLayer {
  /** How these layers are quantized when nothing else is said. */
  public static final LayerDefaults DEFAULTS = LayerDefaults.inputOnly();

  private final QuantizerList quantizers;

  private QuantMatMul(QuantizerConfig input) {
    quantizers = child("_input_quantizers", new QuantizerList(input, 2)).get();
  }

  /** A layer that is quantized as the defaults say. */
  public static QuantMatMul of() {
    return of(DEFAULTS.input());
  }

  /** A layer that is quantized as told. */
  public static QuantMatMul of(QuantizerConfig input) {
    return new QuantMatMul(input);
  }

  /** The quantized form of a layer, as the defaults say. */
  public static QuantMatMul from(MatMul from) {
    return from(from, DEFAULTS.input());
  }

  /** The quantized form of a layer; both are to be closed. */
  public static QuantMatMul from(MatMul from, QuantizerConfig input) {
    return Twin.sharing(from, () -> new QuantMatMul(input));
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    return super.forward(quantizers.each(inputs));
  }

  @Override
  public List<TensorQuantizer> inputQuantizers() {
    return quantizers.all();
  }

  @Override
  public List<QuantizedWeight> quantizedWeights() {
    return List.of();
  }

  @Override
  public MatMul toFloat() {
    return Twin.plain(this, MatMul::of);
  }
}
