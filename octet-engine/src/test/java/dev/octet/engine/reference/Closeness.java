package dev.octet.engine.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octet.graph.Tensor;
import java.util.stream.IntStream;

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

  /** The largest difference of two tensors of one shape: of quantized ones, in quanta. */
  public static double largestDifference(Tensor a, Tensor b) {
    assertThat(a.shape()).isEqualTo(b.shape());
    double[] left = Array.of(a).values;
    double[] right = Array.of(b).values;
    return IntStream.range(0, left.length)
        .mapToDouble(i -> Math.abs(left[i] - right[i]))
        .max()
        .orElse(0);
  }
}
