package dev.octet.torch.nn;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.op.EmbeddingOps;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** What {@link Embedding} and {@link EmbeddingBag} can both be told. */
final class EmbeddingSettings {
  private long rows;
  private long features;
  OptionalLong paddingIdx = OptionalLong.empty();
  OptionalDouble maxNorm = OptionalDouble.empty();
  double normType = 2;
  boolean scaleGradByFreq;
  boolean sparse;

  void size(long numEmbeddings, long embeddingDim) {
    rows = Inputs.atLeast(1, "num_embeddings", numEmbeddings);
    features = Inputs.atLeast(1, "embedding_dim", embeddingDim);
  }

  void paddingIdx(long index) {
    if (index < -rows || index >= rows) {
      throw new IllegalArgumentException(
          "padding_idx is " + index + "; choose " + -rows + " to " + (rows - 1));
    }
    paddingIdx = OptionalLong.of(index < 0 ? index + rows : index);
  }

  void maxNorm(double norm) {
    if (!(norm > 0)) {
      throw new IllegalArgumentException("max_norm is " + norm + ", not above 0");
    }
    maxNorm = OptionalDouble.of(norm);
  }

  EmbeddingSettings copy() {
    if (!(normType > 0)) {
      throw new IllegalArgumentException("norm_type is " + normType + ", not above 0");
    }
    EmbeddingSettings copy = new EmbeddingSettings();
    copy.rows = rows;
    copy.features = features;
    copy.paddingIdx = paddingIdx;
    copy.maxNorm = maxNorm;
    copy.normType = normType;
    copy.scaleGradByFreq = scaleGradByFreq;
    copy.sparse = sparse;
    return copy;
  }

  /** The table at the start. */
  Tensor table() {
    Tensor table = Init.normal(Tensors.uninitialised(ScalarType.Float, rows, features), 0, 1);
    if (paddingIdx.isPresent()) {
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope scope = Scope.open()) {
        table.select(0, paddingIdx.getAsLong()).zero_();
      }
    }
    return table;
  }

  void renorm(Tensor table, Tensor indices) {
    if (maxNorm.isPresent()) {
      EmbeddingOps.renorm(table, indices, maxNorm.getAsDouble(), normType);
    }
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(rows).append(", ").append(features);
    paddingIdx.ifPresent(index -> text.append(", padding_idx=").append(index));
    maxNorm.ifPresent(norm -> text.append(", max_norm=").append(norm));
    if (normType != 2) {
      text.append(", norm_type=").append(normType);
    }
    if (scaleGradByFreq) {
      text.append(", scale_grad_by_freq=True");
    }
    if (sparse) {
      text.append(", sparse=True");
    }
    return text.toString();
  }
}
