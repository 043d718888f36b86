package dev.octet.workflows.pytorch.observer;

import dev.octet.core.range.parity.TorchQuantizationParameters;
import org.jspecify.annotations.Nullable;

/**
 * What all observers can be told.
 *
 * @param dtype the type that the observed tensor is to have
 * @param qscheme how scale and zero point follow from the range
 * @param reduceRange whether half of the integers stay unused, so that processors without VNNI do
 *     not saturate
 * @param quantMin the smallest integer to use, or null for that of the type; together with {@code
 *     quantMax}
 * @param quantMax the largest integer to use, or null for that of the type
 * @param eps the least scale
 * @param dynamic whether ranges are those of each call instead of learned ones
 */
public record ObserverSettings(
    QuantDtype dtype,
    QScheme qscheme,
    boolean reduceRange,
    @Nullable Integer quantMin,
    @Nullable Integer quantMax,
    float eps,
    boolean dynamic) {

  public ObserverSettings {
    if ((quantMin == null) != (quantMax == null)) {
      throw new IllegalArgumentException(
          "quant_min is " + quantMin + " and quant_max " + quantMax + "; give both or neither");
    }
    if (quantMin != null && quantMax != null) {
      if (!(quantMin <= 0 && 0 <= quantMax && quantMin < quantMax)) {
        throw new IllegalArgumentException(
            "integers from " + quantMin + " to " + quantMax + " do not include 0");
      }
      if (dtype.isInteger() && (quantMin < dtype.min() || quantMax > dtype.max())) {
        throw new IllegalArgumentException(
            "integers from %d to %d do not fit %s, which holds %d to %d"
                .formatted(quantMin, quantMax, dtype, dtype.min(), dtype.max()));
      }
    }
    if (reduceRange && dtype == QuantDtype.QUINT8 && qscheme.isSymmetric()) {
      throw new IllegalArgumentException(
          "the range of quint8 cannot be reduced in a symmetric scheme, whose zero point is 128;"
              + " use qint8 or an affine scheme");
    }
    if (!(eps > 0 && eps < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("eps is " + eps + "; it must be positive and finite");
    }
  }

  /** Affine quint8, the full range, eps 2^-23, one scale for a tensor, learned. */
  public static Builder builder() {
    return new Builder();
  }

  /** A builder that starts with these settings. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.dtype = dtype;
    builder.qscheme = qscheme;
    builder.reduceRange = reduceRange;
    builder.quantMin = quantMin;
    builder.quantMax = quantMax;
    builder.eps = eps;
    builder.dynamic = dynamic;
    return builder;
  }

  /** The smallest integer that is used; reduced where that was asked for. */
  public int qmin() {
    int min = quantMin == null ? dtype.min() : quantMin;
    return reduceRange ? Math.floorDiv(min, 2) : min;
  }

  /** The largest integer that is used; reduced where that was asked for. */
  public int qmax() {
    int max = quantMax == null ? dtype.max() : quantMax;
    return reduceRange ? Math.floorDiv(max, 2) : max;
  }

  /** Collects settings. */
  public static final class Builder {
    private QuantDtype dtype = QuantDtype.QUINT8;
    private QScheme qscheme = QScheme.PER_TENSOR_AFFINE;
    private boolean reduceRange;
    private @Nullable Integer quantMin;
    private @Nullable Integer quantMax;
    private float eps = TorchQuantizationParameters.EPS;
    private boolean dynamic;

    private Builder() {}

    /** The type that the observed tensor is to have; quint8 unless told otherwise. */
    public Builder dtype(QuantDtype value) {
      dtype = value;
      return this;
    }

    /** How scale and zero point follow from the range; affine unless told otherwise. */
    public Builder qscheme(QScheme value) {
      qscheme = value;
      return this;
    }

    /** Whether half of the integers stay unused; not unless told otherwise. */
    public Builder reduceRange(boolean value) {
      reduceRange = value;
      return this;
    }

    /** The integers to use, 0 among them; those of the type unless told otherwise. */
    public Builder range(int min, int max) {
      quantMin = min;
      quantMax = max;
      return this;
    }

    /** The least scale; 2^-23 unless told otherwise. */
    public Builder eps(float value) {
      eps = value;
      return this;
    }

    /** Whether ranges are those of each call; not unless told otherwise. */
    public Builder dynamic(boolean value) {
      dynamic = value;
      return this;
    }

    /**
     * The settings.
     *
     * @throws IllegalArgumentException if they exclude one another, naming them
     */
    public ObserverSettings build() {
      return new ObserverSettings(dtype, qscheme, reduceRange, quantMin, quantMax, eps, dynamic);
    }
  }
}
