package dev.octet.torch.nn;

import dev.octet.torch.op.EmbeddingOps;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Sums, means or largest of rows of a table: {@code call(indices)} takes bags of one length [bags,
 * size], {@code call(indices, offsets)} bags one after the other and where each starts; both give
 * [bags, embeddingDim].
 *
 * <p>Parameter: {@code weight [numEmbeddings, embeddingDim]}, as of {@link Embedding}.
 */
public class EmbeddingBag extends Module {
  /** Settings of an embedding bag. */
  public static final class Builder {
    private final EmbeddingSettings settings = new EmbeddingSettings();
    private EmbeddingOps.Reduction mode = EmbeddingOps.Reduction.MEAN;
    private boolean includeLastOffset;

    private Builder(long rows, long features) {
      settings.size(rows, features);
    }

    /** How the rows of a bag become one; their mean unless set. */
    public Builder mode(EmbeddingOps.Reduction reduction) {
      mode = reduction;
      return this;
    }

    /** Whether offsets end with the number of indices, which starts no bag; not unless set. */
    public Builder includeLastOffset(boolean on) {
      includeLastOffset = on;
      return this;
    }

    /** A row that is left out of its bag and not trained; negative counts from the end. */
    public Builder paddingIdx(long index) {
      settings.paddingIdx(index);
      return this;
    }

    /** Rows of a larger norm are scaled down to it when used, above 0; not unless set. */
    public Builder maxNorm(double norm) {
      settings.maxNorm(norm);
      return this;
    }

    /** The p of that norm; 2 unless set. */
    public Builder normType(double p) {
      settings.normType = p;
      return this;
    }

    /** Whether a row's gradient is divided by how often the row is used; not with MAX. */
    public Builder scaleGradByFreq(boolean on) {
      settings.scaleGradByFreq = on;
      return this;
    }

    /** Whether the gradient is a sparse tensor; not with MAX. */
    public Builder sparse(boolean on) {
      settings.sparse = on;
      return this;
    }

    /**
     * The layer, with fresh parameters.
     *
     * @throws IllegalArgumentException if settings do not go together
     */
    public EmbeddingBag build() {
      if (mode == EmbeddingOps.Reduction.MAX && (settings.scaleGradByFreq || settings.sparse)) {
        throw new IllegalArgumentException(
            "scale_grad_by_freq and sparse do not work with MAX; switch them off");
      }
      return Substitution.of(new EmbeddingBag(this, true));
    }
  }

  private final EmbeddingSettings settings;
  private final EmbeddingOps.Reduction mode;
  private final boolean includeLastOffset;
  private final @Nullable Tensor weight;

  /** A layer over the same parameters. */
  public EmbeddingBag(EmbeddingBag from) {
    settings = from.settings;
    mode = from.mode;
    includeLastOffset = from.includeLastOffset;
    weight = share("weight", from.weight());
    sameModeAs(from);
  }

  /**
   * For subclasses that hold the table in a form of their own and override {@link #bags}.
   *
   * @param ownTable whether there is a table of floats, drawn anew
   */
  protected EmbeddingBag(Builder builder, boolean ownTable) {
    settings = builder.settings.copy();
    mode = builder.mode;
    includeLastOffset = builder.includeLastOffset;
    weight = ownTable ? parameter("weight", settings.table()) : null;
  }

  /** A table of {@code numEmbeddings} rows with {@code embeddingDim} features. */
  public static Builder builder(long numEmbeddings, long embeddingDim) {
    return new Builder(numEmbeddings, embeddingDim);
  }

  /**
   * One row for each bag.
   *
   * @param indices of type Long or Int: [bags, size], or [all] with offsets
   * @param offsets where each bag starts; null for bags of one length
   * @param perSampleWeights what each row is multiplied by, of the shape of the indices, with SUM;
   *     null for ones
   * @return [bags, embeddingDim], owned by the scope around the call
   * @throws ModuleException if shapes or types do not fit, or an index or offset is out of range
   */
  public final Tensor run(
      Tensor indices, @Nullable Tensor offsets, @Nullable Tensor perSampleWeights) {
    List<Tensor> inputs = new ArrayList<>(List.of(indices));
    if (offsets != null) {
      inputs.add(offsets);
    }
    if (perSampleWeights != null) {
      inputs.add(perSampleWeights);
    }
    return inside(
        inputs.toArray(new Tensor[0]),
        scope -> scope.give(bags(indices, offsets, perSampleWeights)));
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    return inputs.length == 2 ? bags(inputs[0], inputs[1], null) : super.forward(inputs);
  }

  @Override
  protected Tensor forward(Tensor indices) {
    return bags(indices, null, null);
  }

  /** The output for what {@link #run} takes. */
  protected Tensor bags(
      Tensor indices, @Nullable Tensor offsets, @Nullable Tensor perSampleWeights) {
    return compute(indices, offsets, perSampleWeights, table(indices));
  }

  /** The weight, after the rows that indices name were scaled down if there is a largest norm. */
  protected Tensor table(Tensor indices) {
    settings.renorm(weight(), indices);
    return weight();
  }

  /** The bags of rows of a table in the place of this layer's. */
  protected final Tensor compute(
      Tensor indices, @Nullable Tensor offsets, @Nullable Tensor perSampleWeights, Tensor table) {
    return EmbeddingOps.bag(
        indices,
        offsets,
        includeLastOffset,
        table,
        perSampleWeights,
        mode,
        settings.paddingIdx,
        settings.scaleGradByFreq,
        settings.sparse);
  }

  /**
   * The table, [numEmbeddings, embeddingDim].
   *
   * @throws IllegalStateException if a subclass holds it in a form of its own
   */
  public final Tensor weight() {
    if (weight == null) {
      throw new IllegalStateException(this + " has no float table");
    }
    return weight;
  }

  /** Whether offsets end with the number of indices. */
  public final boolean includesLastOffset() {
    return includeLastOffset;
  }

  /** The row that is left out, if there is one. */
  public final OptionalLong paddingIdx() {
    return settings.paddingIdx;
  }

  /** How the rows of a bag become one. */
  public final EmbeddingOps.Reduction mode() {
    return mode;
  }

  @Override
  protected String settings() {
    return settings + ", mode='" + mode.name().toLowerCase(java.util.Locale.ROOT) + "'";
  }
}
