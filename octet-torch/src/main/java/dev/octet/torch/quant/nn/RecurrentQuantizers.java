package dev.octet.torch.quant.nn;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.RecurrentLayer;
import dev.octet.torch.op.Recurrence;
import dev.octet.torch.quant.QuantizerConfig;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.ArrayList;
import java.util.List;

/** The quantizers of all layers and directions of a recurrent network. */
final class RecurrentQuantizers {

  private final RecurrentLayer layer;
  private final List<CellQuantizers> cells = new ArrayList<>();

  RecurrentQuantizers(
      RecurrentLayer layer,
      LayerQuantizers.Adder adder,
      QuantizerConfig input,
      QuantizerConfig weight,
      RecurrentRanges ranges) {
    this.layer = layer;
    Recurrence shape = layer.recurrence();
    int count = shape.numLayers() * shape.directions();
    int each = ranges == RecurrentRanges.JOINT ? 1 : 2;
    QuantizerList inputs = new QuantizerList(input, count * each);
    QuantizerList weights = new QuantizerList(weight, count * each);
    adder.add("_input_quantizers", inputs);
    adder.add("_weight_quantizers", weights);
    for (int i = 0; i < count; i++) {
      cells.add(
          new CellQuantizers(
              inputs.places().subList(i * each, (i + 1) * each),
              weights.places().subList(i * each, (i + 1) * each)));
    }
  }

  CellQuantizers cell(int index, boolean reverse) {
    return cells.get(index * layer.recurrence().directions() + (reverse ? 1 : 0));
  }

  List<TensorQuantizer> inputs() {
    return cells.stream().flatMap(cell -> cell.inputs().stream()).map(Child::get).toList();
  }

  List<QuantizedWeight> weights() {
    List<QuantizedWeight> all = new ArrayList<>();
    Recurrence shape = layer.recurrence();
    for (int index = 0; index < shape.numLayers(); index++) {
      for (int direction = 0; direction < shape.directions(); direction++) {
        boolean reverse = direction == 1;
        all.addAll(
            cell(index, reverse)
                .quantizedWeights(
                    Recurrence.suffix(index, reverse), layer.weights(index, reverse)));
      }
    }
    return all;
  }
}
