package dev.octet.torch.quant.nn;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * What one weight quantizer quantizes: a parameter, or several side by side, as LSTM's two matrices
 * are.
 *
 * @param name the parameter's name in its layer; of several, joined by {@code |}
 * @param quantizer of these parameters
 * @param parts the live parameters; several are joined along axis 1
 */
public record QuantizedWeight(String name, TensorQuantizer quantizer, List<Tensor> parts) {
  public QuantizedWeight {
    parts = List.copyOf(parts);
  }

  /** The values that the quantizer sees, without gradient; owned by the scope around. */
  public Tensor value() {
    try (Scope scope = Scope.open()) {
      Tensor joined =
          parts.size() == 1
              ? parts.get(0)
              : torch.cat(new TensorVector(parts.toArray(new Tensor[0])), 1);
      return scope.give(joined.detach());
    }
  }

  /**
   * Copies values into the parameters.
   *
   * @param value of the shape of {@link #value}
   */
  public void assign(Tensor value) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      if (parts.size() == 1) {
        parts.get(0).copy_(value);
        return;
      }
      long at = 0;
      for (Tensor part : parts) {
        long width = Tensors.shape(part)[1];
        part.copy_(value.narrow(1, at, width));
        at += width;
      }
    }
  }
}
