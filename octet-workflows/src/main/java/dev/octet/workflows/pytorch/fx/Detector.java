package dev.octet.workflows.pytorch.fx;

import org.jspecify.annotations.Nullable;

/** What a {@link ModelReport} asks about each layer; PyTorch's {@code DetectorBase}. */
public interface Detector {
  /** What it asks about, such as {@code outlier_detector}. */
  String name();

  /** The percentile with which the largest values of its layers' inputs are compared. */
  default double percentile() {
    return ModelReportObserver.DEFAULT_PERCENTILE;
  }

  /** Whether it has an opinion of layers of a kind, see {@link PreparedOp#kind}. */
  boolean covers(String kind);

  /** What it found at a layer that it covers; null for nothing to be said. */
  @Nullable Finding find(ReportedLayer layer);
}
