package dev.octet.torch.nn;

import dev.octet.torch.op.EmbeddingOps;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.bytedeco.pytorch.Tensor;

/**
 * Rows of a table by number: indices of type Long or Int and any shape {@code [...]} to {@code
 * [..., embeddingDim]}.
 *
 * <p>Parameter: {@code weight [numEmbeddings, embeddingDim]}, drawn from the standard normal
 * distribution; the row of the padding is zero.
 */
public class Embedding extends Module {
  /** Settings of an embedding. */
  public static final class Builder {
    private final EmbeddingSettings settings = new EmbeddingSettings();

    private Builder(long rows, long features) {
      settings.size(rows, features);
    }

    /**
     * A row that starts at zero and is not trained; negative counts from the end; none if unset.
     */
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

    /** Whether a row's gradient is divided by how often the row is used; not unless set. */
    public Builder scaleGradByFreq(boolean on) {
      settings.scaleGradByFreq = on;
      return this;
    }

    /** Whether the gradient is a sparse tensor, for optimizers that take one; not unless set. */
    public Builder sparse(boolean on) {
      settings.sparse = on;
      return this;
    }

    /** The layer, with fresh parameters. */
    public Embedding build() {
      return Substitution.of(new Embedding(settings));
    }
  }

  private final EmbeddingSettings settings;
  private final Tensor weight;

  private Embedding(EmbeddingSettings settings) {
    this.settings = settings.copy();
    weight = parameter("weight", settings.table());
  }

  /** A layer over the same parameters. */
  public Embedding(Embedding from) {
    settings = from.settings;
    weight = share("weight", from.weight);
    sameModeAs(from);
  }

  /** A table of {@code numEmbeddings} rows with {@code embeddingDim} features. */
  public static Builder builder(long numEmbeddings, long embeddingDim) {
    return new Builder(numEmbeddings, embeddingDim);
  }

  @Override
  protected Tensor forward(Tensor indices) {
    return compute(indices, table(indices));
  }

  /** The weight, after the rows that indices name were scaled down if there is a largest norm. */
  protected final Tensor table(Tensor indices) {
    settings.renorm(weight, indices);
    return weight;
  }

  /** The rows of a table in the place of this layer's. */
  protected final Tensor compute(Tensor indices, Tensor table) {
    return EmbeddingOps.embedding(
        indices, table, settings.paddingIdx, settings.scaleGradByFreq, settings.sparse);
  }

  /** The table, [numEmbeddings, embeddingDim]. */
  public final Tensor weight() {
    return weight;
  }

  /** The row that is not trained, if there is one. */
  public final OptionalLong paddingIdx() {
    return settings.paddingIdx;
  }

  /** The largest norm of a row, if there is one. */
  public final OptionalDouble maxNorm() {
    return settings.maxNorm;
  }

  @Override
  protected String settings() {
    return settings.toString();
  }
}
