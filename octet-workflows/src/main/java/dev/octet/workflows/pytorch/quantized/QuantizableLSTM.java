package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LstmGates;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.op.Recurrence;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import org.bytedeco.pytorch.Tensor;

/**
 * An {@link LSTM} of {@link QuantizableLSTMCell}s {@code cell_l0}, {@code cell_l0_reverse}, and so
 * on: products and states are quantized. A step's hidden state has one scale for all steps, as has
 * its cell state. A trace holds the nodes of as many steps as its example has.
 */
public final class QuantizableLSTM extends LSTM implements Quantizable {
  static final String KIND = "QuantizableLSTM";

  private final Map<String, Child<QuantizableLSTMCell>> cells = new LinkedHashMap<>();

  QuantizableLSTM(LSTM from) {
    this(
        from.recurrence(),
        (layer, reverse) -> new QuantizableLSTMCell(from.weights(layer, reverse)));
  }

  private QuantizableLSTM(
      Recurrence recurrence, BiFunction<Integer, Boolean, QuantizableLSTMCell> make) {
    super(recurrence);
    DynamicProducts.each(recurrence, make)
        .forEach((suffix, cell) -> cells.put(suffix, child("cell" + suffix, cell)));
  }

  static QuantizableLSTM of(Parts parts) {
    Recurrence is = Description.need(parts.description().recurrence(), "recurrence");
    int features = is.directions() * is.hiddenSize();
    return parts.under(
        new QuantizableLSTM(
            is,
            (layer, reverse) ->
                new QuantizableLSTMCell(
                    layer == 0 ? is.inputSize() : features, is.hiddenSize(), is.bias())));
  }

  private QuantizableLSTMCell cell(int layer, boolean reverse) {
    return Objects.requireNonNull(cells.get(Recurrence.suffix(layer, reverse))).get();
  }

  @Override
  protected boolean isStepwise() {
    return true;
  }

  @Override
  protected StepLinear<Tensor> linear(int layer, boolean reverse) {
    return cell(layer, reverse).sequence();
  }

  @Override
  protected LstmGates gates(int layer, boolean reverse) {
    return cell(layer, reverse).gates();
  }

  /** What this module is. */
  Description describe() {
    return new Description.Builder(KIND).recurrence(recurrence()).build();
  }

  @Override
  protected String extraState() {
    return describe().text();
  }

  @Override
  protected void loadExtraState(String text) {
    Description.requireSame(text, describe());
  }
}
