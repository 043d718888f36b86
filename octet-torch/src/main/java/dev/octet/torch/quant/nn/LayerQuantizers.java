package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** The quantizers of a layer with one input and at most one weight, named as the original's. */
record LayerQuantizers(
    @Nullable Child<TensorQuantizer> onInput, @Nullable Child<TensorQuantizer> onWeight) {
  /** Adds a child to the layer: its {@code child} method. */
  interface Adder {
    <M extends Module> Child<M> add(String name, M child);
  }

  /** Quantizers of input and weight. */
  static LayerQuantizers of(Adder layer, QuantizerConfig input, QuantizerConfig weight) {
    return new LayerQuantizers(
        layer.add("_input_quantizer", new TensorQuantizer(input)),
        layer.add("_weight_quantizer", new TensorQuantizer(weight)));
  }

  /** A quantizer of the input alone. */
  static LayerQuantizers ofInput(Adder layer, QuantizerConfig input) {
    return new LayerQuantizers(layer.add("_input_quantizer", new TensorQuantizer(input)), null);
  }

  /** A quantizer of the weight alone, for layers whose input is no float. */
  static LayerQuantizers ofWeight(Adder layer, QuantizerConfig weight) {
    return new LayerQuantizers(null, layer.add("_weight_quantizer", new TensorQuantizer(weight)));
  }

  Tensor input(Tensor x) {
    return onInput == null ? x : onInput.call(x);
  }

  Tensor weight(Tensor weight) {
    return onWeight == null ? weight : onWeight.call(weight);
  }

  List<TensorQuantizer> inputs() {
    return onInput == null ? List.of() : List.of(onInput.get());
  }

  List<QuantizedWeight> weights(Tensor weight) {
    return onWeight == null
        ? List.of()
        : List.of(new QuantizedWeight("weight", onWeight.get(), List.of(weight)));
  }
}
