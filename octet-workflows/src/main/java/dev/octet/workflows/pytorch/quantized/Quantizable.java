package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.Scope;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.MultiheadAttention;
import org.jspecify.annotations.Nullable;

/**
 * A layer taken apart: its products, gates and sums are modules of their own, which are observed,
 * trained and converted like any others. PyTorch's {@code torch.ao.nn.quantizable}: {@code prepare}
 * puts it in the place of the float layer, {@code convert} quantizes its parts.
 */
public sealed interface Quantizable extends Quantized
    permits QuantizableLSTM, QuantizableLSTMCell, QuantizableMultiheadAttention {

  /** Whether a module is of a kind that has such a form. */
  static boolean isKind(Module module) {
    return module instanceof LSTM
        || module instanceof LSTMCell
        || module instanceof MultiheadAttention;
  }

  /** Why a layer of such a kind cannot be taken apart; null where {@link #of} takes it. */
  static @Nullable String whyNot(Module layer) {
    if (layer.getClass() == LSTM.class) {
      return ((LSTM) layer).recurrence().projSize() == 0
          ? null
          : "an LSTM with a projection has no static form";
    }
    if (layer.getClass() == MultiheadAttention.class) {
      return layer.ownParameters().containsKey("in_proj_weight")
          ? null
          : "an attention whose keys or values have features of their own has no static form";
    }
    return layer.getClass() == LSTMCell.class
        ? null
        : "it is a class of its own, " + layer.getClass().getName();
  }

  /**
   * A layer taken apart, with copies of its parameters, in the same mode; both are to be closed.
   *
   * @throws IllegalArgumentException with what {@link #whyNot} says
   */
  static Module of(Module layer) {
    String reason = isKind(layer) ? whyNot(layer) : layer + " needs not be taken apart";
    if (reason != null) {
      throw new IllegalArgumentException(reason);
    }
    try (Scope scope = Scope.open()) {
      Module made =
          layer instanceof LSTM lstm
              ? new QuantizableLSTM(lstm)
              : layer instanceof LSTMCell cell
                  ? new QuantizableLSTMCell(cell.weights())
                  : new QuantizableMultiheadAttention((MultiheadAttention) layer);
      made.train(layer.isTraining());
      return made;
    }
  }
}
