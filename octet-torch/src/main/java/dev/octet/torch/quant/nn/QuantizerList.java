package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Quantizers by number, as PyTorch's ModuleList has it. */
final class QuantizerList extends Module {
  private final List<Child<TensorQuantizer>> places = new ArrayList<>();

  QuantizerList(QuantizerConfig config, int count) {
    for (int i = 0; i < count; i++) {
      places.add(child(Integer.toString(i), new TensorQuantizer(config)));
    }
  }

  List<Child<TensorQuantizer>> places() {
    return places;
  }

  List<TensorQuantizer> all() {
    return places.stream().map(Child::get).toList();
  }

  /**
   * Each input through its quantizer.
   *
   * @throws IllegalArgumentException if there is another number of inputs
   */
  Tensor[] each(Tensor... inputs) {
    if (inputs.length != places.size()) {
      throw new IllegalArgumentException(
          "it takes " + places.size() + " inputs, not " + inputs.length);
    }
    Tensor[] quantized = new Tensor[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      quantized[i] = places.get(i).call(inputs[i]);
    }
    return quantized;
  }
}
