package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LstmGates;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.StepLinear;
import dev.octet.torch.op.Recurrence;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import org.bytedeco.pytorch.Tensor;

/**
 * An {@link LSTM} of {@link QuantizableLSTMCell}s {@code cell_l0}, {@code cell_l0_reverse}, and so
 * on, and {@code join_l0} where there are two directions: products and states are quantized. A
 * step's hidden state has one scale for all steps, as has its cell state. A trace holds the nodes
 * of as many steps as its example has.
 */
public final class QuantizableLSTM extends LSTM implements Quantizable {
  static final String KIND = "QuantizableLSTM";

  private final Map<String, Child<QuantizableLSTMCell>> cells = new LinkedHashMap<>();
  private final List<Child<Module>> joins = new ArrayList<>();

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
    for (int layer = 0; layer < recurrence.numLayers() && recurrence.bidirectional(); layer++) {
      joins.add(child("join" + Recurrence.suffix(layer, false), Concat.of(1)));
    }
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

  @Override
  protected Tensor join(int layer, Tensor ahead, Tensor back) {
    return joins.get(layer).call(ahead, back);
  }

  @Override
  protected Description extraState() {
    return new Description.Builder(KIND).recurrence(recurrence()).build();
  }
}
