package dev.octet.engine.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.Tensor;

/** Comparison of tensors that two sides computed. */
public final class Closeness {

  private Closeness() {}

  /**
   * Checks that both have the same type, shape and numbers: whole numbers exactly, floats within
   * {@code tolerance} times the largest magnitude that is wanted; NaN equals NaN.
   */
  public static void check(String name, Tensor actual, Tensor wanted, double tolerance) {
    assertThat(actual.type()).as(name).isEqualTo(wanted.type());
    assertThat(actual.shape()).as(name).isEqualTo(wanted.shape());
    double[] got = Array.of(actual).values;
    double[] asked = Array.of(wanted).values;
    if (!wanted.type().isFloat()) {
      assertThat(got).as(name).isEqualTo(asked);
      return;
    }
    double largest = 0;
    for (double value : asked) {
      largest = Double.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest;
    }
    for (int i = 0; i < got.length; i++) {
      if (Double.compare(got[i], asked[i]) != 0) {
        assertThat(got[i]).as("%s at %d", name, i).isCloseTo(asked[i], within(tolerance * largest));
      }
    }
  }
}
