package dev.octet.workflows.pytorch.quantized;

import dev.octet.graph.DataType;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.op.EmbeddingOps;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.op.Tracer;
import java.util.Map;
import java.util.OptionalLong;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * An {@link EmbeddingBag} whose table holds integers of 8 or 4 bits, each row with a scale and a
 * real zero point. Rows become real numbers where they are read, and are added up as such.
 *
 * <p>State: {@code weight}, {@code weight_scale [rows]}, {@code weight_zero_point [rows]}.
 */
public final class QuantizedEmbeddingBag extends EmbeddingBag implements Quantized {
  static final String KIND = "EmbeddingBag";

  private final CodedTable table;
  private final EngineCall bags;
  private final EngineCall rows;

  QuantizedEmbeddingBag(EmbeddingBag from, WeightFormat format) {
    super(
        like(
            from.weight().size(0),
            from.weight().size(1),
            from.mode(),
            from.includesLastOffset(),
            from.paddingIdx()),
        false);
    table = CodedTable.quantizing(this::buffer, from.weight(), format);
    bags = new EngineCall(this::even, this::stateDict, false);
    rows = new EngineCall(x -> table.rows(x[0]), this::stateDict, false);
  }

  private QuantizedEmbeddingBag(EmbeddingBag.Builder like, Parts parts) {
    super(like, false);
    table = CodedTable.of(this::buffer, parts);
    bags = new EngineCall(this::even, this::stateDict, false);
    rows = new EngineCall(x -> table.rows(x[0]), this::stateDict, false);
  }

  static QuantizedEmbeddingBag of(Parts parts) {
    Description.Table how = Description.need(parts.description().table(), "table");
    long rows = parts.tensor("weight_scale", DataType.FLOAT).elementCount();
    return new QuantizedEmbeddingBag(
        like(
            rows,
            how.features(),
            Description.need(how.mode(), "mode"),
            how.includeLastOffset(),
            how.padding()),
        parts);
  }

  private static EmbeddingBag.Builder like(
      long rows,
      long features,
      EmbeddingOps.Reduction mode,
      boolean includeLastOffset,
      OptionalLong padding) {
    EmbeddingBag.Builder builder =
        EmbeddingBag.builder(rows, features).mode(mode).includeLastOffset(includeLastOffset);
    return padding.isPresent() ? builder.paddingIdx(padding.getAsLong()) : builder;
  }

  /** The table, {@code [rows, features]}. */
  public QuantizedTensor quantizedWeight() {
    return table.quantized();
  }

  @Override
  protected Tensor bags(
      Tensor indices, @Nullable Tensor offsets, @Nullable Tensor perSampleWeights) {
    table.check(indices);
    if (perSampleWeights != null) {
      QuantizedModule.real(perSampleWeights);
      if (!java.util.Arrays.equals(Tensors.shape(perSampleWeights), Tensors.shape(indices))
          || mode() != EmbeddingOps.Reduction.SUM) {
        throw new IllegalArgumentException(
            "weights of samples go with SUM and have the shape of the indices, not "
                + Tensors.describe(perSampleWeights)
                + " for "
                + Tensors.describe(indices));
      }
    }
    if (offsets == null) {
      if (indices.dim() != 2) {
        throw new IllegalArgumentException(
            "the indices are "
                + Tensors.describe(indices)
                + "; give [bags, size], or one dimension with offsets");
      }
      Tensor[] inputs =
          perSampleWeights == null
              ? new Tensor[] {indices}
              : new Tensor[] {indices, perSampleWeights};
      return Tracer.current() == null ? bags.run(inputs) : even(inputs);
    }
    if (Tracer.current() != null) {
      throw new TraceException(
          "a trace cannot follow an EmbeddingBag with offsets: the lengths of its bags are data;"
              + " give bags of one length as [bags, size]");
    }
    return uneven(indices, offsets, perSampleWeights);
  }

  private Tensor even(Tensor... x) {
    return EmbeddingOps.reduce(
        x[0], table.rows(x[0]), x.length == 2 ? x[1] : null, mode(), paddingIdx());
  }

  /** Rows of all bags, one after the other, are a table of their own. */
  private Tensor uneven(Tensor indices, Tensor offsets, @Nullable Tensor perSampleWeights) {
    if (indices.dim() != 1) {
      throw new IllegalArgumentException(
          "with offsets, indices have one dimension; they are " + Tensors.describe(indices));
    }
    try (Scope scope = Scope.open()) {
      Tensor taken = rows.run(indices);
      long[] named = Tensors.toLongs(indices);
      long[] places = new long[named.length];
      int padding = -1;
      for (int i = 0; i < named.length; i++) {
        boolean left = paddingIdx().isPresent() && named[i] == paddingIdx().getAsLong();
        padding = left && padding < 0 ? i : padding;
        places[i] = left ? padding : i;
      }
      return scope.give(
          EmbeddingOps.bag(
              Tensors.of(places, places.length),
              offsets,
              includesLastOffset(),
              taken,
              perSampleWeights,
              mode(),
              padding < 0 ? OptionalLong.empty() : OptionalLong.of(padding),
              false,
              false));
    }
  }

  @Override
  protected Description extraState() {
    OptionalLong left = paddingIdx();
    return new Description.Builder(KIND)
        .weight(table.form())
        .table(
            new Description.Table(
                table.features(),
                left.isPresent() ? left.getAsLong() : null,
                mode(),
                includesLastOffset()))
        .build();
  }

  @Override
  protected void beforeLoad(String path, Map<String, Tensor> state) {
    bags.reset();
    rows.reset();
  }

  @Override
  protected void release() {
    bags.close();
    rows.close();
  }

  @Override
  protected String settings() {
    return table.rows()
        + ", "
        + table.features()
        + ", mode='"
        + mode().name().toLowerCase(java.util.Locale.ROOT)
        + "', dtype="
        + table.format();
  }
}
