package dev.octet.workflows.pytorch.quantized;

import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Embedding;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * An embedding whose table holds integers of 8 or 4 bits, each row with a scale and a real zero
 * point: indices of type Long or Int, of any shape, to {@code [..., features]}. The rows come out
 * as real numbers.
 *
 * <p>State: {@code weight}, {@code weight_scale [rows]}, {@code weight_zero_point [rows]}.
 */
public final class QuantizedEmbedding extends QuantizedModule {
  static final String KIND = "Embedding";

  private final CodedTable table;

  QuantizedEmbedding(Embedding from, WeightFormat format) {
    super(List.of(), 0, null, false);
    table = CodedTable.quantizing(this::buffer, from.weight(), format);
  }

  private QuantizedEmbedding(Parts parts) {
    super(List.of(), 0, null, false);
    table = CodedTable.of(this::buffer, parts);
  }

  static QuantizedEmbedding of(Parts parts) {
    return new QuantizedEmbedding(parts);
  }

  /** The table, {@code [rows, features]}. */
  public QuantizedTensor weight() {
    return table.quantized();
  }

  @Override
  void check(Tensor... x) {
    if (x.length != 1 || x[0].dim() < 1) {
      throw new IllegalArgumentException(
          "it takes indices of one dimension or more, not "
              + (x.length == 1 ? Tensors.describe(x[0]) : x.length + " inputs"));
    }
    table.check(x[0]);
  }

  @Override
  Tensor compute(Tensor... x) {
    return table.rows(x[0]);
  }

  @Override
  protected Description extraState() {
    return description(KIND)
        .weight(table.form())
        .table(new Description.Table(table.features(), null, null, false))
        .build();
  }

  @Override
  protected String settings() {
    return table.rows() + ", " + table.features() + ", dtype=" + table.format();
  }
}
