package dev.octet.workflows.pytorch.fx;

import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import dev.octet.workflows.pytorch.observer.FakeQuantizeBase;
import dev.octet.workflows.pytorch.observer.FixedQParamsObserver;
import dev.octet.workflows.pytorch.observer.ObserverBase;
import dev.octet.workflows.pytorch.observer.ObserverSettings;
import dev.octet.workflows.pytorch.observer.QParams;
import dev.octet.workflows.pytorch.observer.QuantDtype;
import org.jspecify.annotations.Nullable;

/**
 * A type, and what a backend asks of the integers and scales of a tensor of it.
 *
 * @param dtype the type
 * @param quantMinLowerBound the smallest integer that an observer may use, or null for any;
 *     together with {@code quantMaxUpperBound}
 * @param quantMaxUpperBound the largest integer that an observer may use, or null for any
 * @param scaleMinLowerBound the smallest scale that an observer may find, or null for any
 * @param scaleExactMatch the only scale allowed, or null for any; together with {@code
 *     zeroPointExactMatch}
 * @param zeroPointExactMatch the only zero point allowed, or null for any
 */
public record DTypeWithConstraints(
    QuantDtype dtype,
    @Nullable Integer quantMinLowerBound,
    @Nullable Integer quantMaxUpperBound,
    @Nullable Float scaleMinLowerBound,
    @Nullable Float scaleExactMatch,
    @Nullable Integer zeroPointExactMatch) {

  public DTypeWithConstraints {
    together(quantMinLowerBound, quantMaxUpperBound, "quantMinLowerBound", "quantMaxUpperBound");
    together(scaleExactMatch, zeroPointExactMatch, "scaleExactMatch", "zeroPointExactMatch");
    if (scaleMinLowerBound != null && scaleExactMatch != null) {
      throw new IllegalArgumentException(
          "the scale is to be exactly %s and at least %s; ask for one of the two"
              .formatted(scaleExactMatch, scaleMinLowerBound));
    }
  }

  private static void together(
      @Nullable Object one, @Nullable Object other, String first, String second) {
    if ((one == null) != (other == null)) {
      throw new IllegalArgumentException(
          first + " is " + one + " and " + second + " is " + other + "; give both or neither");
    }
  }

  /** The type without constraints. */
  public static DTypeWithConstraints of(QuantDtype dtype) {
    return new DTypeWithConstraints(dtype, null, null, null, null, null);
  }

  /** The same for observers that use no integers beyond these. */
  public DTypeWithConstraints withRange(int lowest, int highest) {
    return new DTypeWithConstraints(
        dtype, lowest, highest, scaleMinLowerBound, scaleExactMatch, zeroPointExactMatch);
  }

  /** The same for observers whose {@code eps} is at least this. */
  public DTypeWithConstraints withLeastScale(float scale) {
    return new DTypeWithConstraints(
        dtype, quantMinLowerBound, quantMaxUpperBound, scale, scaleExactMatch, zeroPointExactMatch);
  }

  /** The same for fixed parameters that are these. */
  public DTypeWithConstraints withExactly(float scale, int zeroPoint) {
    return new DTypeWithConstraints(
        dtype, quantMinLowerBound, quantMaxUpperBound, scaleMinLowerBound, scale, zeroPoint);
  }

  /** What an observer does that this does not allow, or null. */
  @Nullable String refusal(ActivationPostProcess process) {
    if (process.dtype() != dtype) {
      return "it is " + process.dtype() + ", not " + dtype;
    }
    ObserverBase observer =
        process instanceof FakeQuantizeBase fake ? fake.observer() : (ObserverBase) process;
    ObserverSettings settings = observer.observerSettings();
    if (quantMinLowerBound != null
        && quantMaxUpperBound != null
        && (settings.qmin() < quantMinLowerBound || settings.qmax() > quantMaxUpperBound)) {
      return "it uses the integers %d to %d, beyond %d to %d"
          .formatted(settings.qmin(), settings.qmax(), quantMinLowerBound, quantMaxUpperBound);
    }
    if (scaleMinLowerBound != null && settings.eps() < scaleMinLowerBound) {
      return "its scale may become %s, less than %s".formatted(settings.eps(), scaleMinLowerBound);
    }
    if (scaleExactMatch == null || zeroPointExactMatch == null) {
      return null;
    }
    if (observer instanceof FixedQParamsObserver) {
      QParams fixed = observer.calculateQParams();
      if (fixed.scales()[0] == scaleExactMatch && fixed.zeroPoints()[0] == zeroPointExactMatch) {
        return null;
      }
    }
    return "its parameters are not fixed at scale %s and zero point %d"
        .formatted(scaleExactMatch, zeroPointExactMatch);
  }

  @Override
  public String toString() {
    return dtype.toString()
        + (quantMinLowerBound == null
            ? ""
            : " of " + quantMinLowerBound + " to " + quantMaxUpperBound)
        + (scaleMinLowerBound == null ? "" : ", scale from " + scaleMinLowerBound)
        + (scaleExactMatch == null
            ? ""
            : ", scale " + scaleExactMatch + " and zero point " + zeroPointExactMatch);
  }
}
