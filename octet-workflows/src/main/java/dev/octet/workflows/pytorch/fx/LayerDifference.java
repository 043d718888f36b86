package dev.octet.workflows.pytorch.fx;

import dev.octet.quantize.metric.Difference;
import java.util.Locale;

/**
 * How far what one operator gives, or weighs, is from what it gives in another model.
 *
 * @param name the operator's node
 * @param kind PyTorch's name of it
 * @param difference the sums over all values
 */
public record LayerDifference(String name, String kind, Difference difference) {

  /** {@code 20 log10(|x| / |x - y|)} in decibels; infinite for equal values. */
  public double sqnr() {
    return difference.sqnr();
  }

  /** {@code |x - y| / |x|}. */
  public double normalizedL2() {
    return difference.normalizedL2();
  }

  /** The cosine of the angle between the two, -1 to 1. */
  public double cosine() {
    return difference.cosine();
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s (%s): SQNR %.2f dB, L2 %.5f, cosine %.6f",
        name,
        kind,
        sqnr(),
        normalizedL2(),
        cosine());
  }
}
