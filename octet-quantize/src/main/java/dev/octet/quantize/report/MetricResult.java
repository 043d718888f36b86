package dev.octet.quantize.report;

import java.util.Objects;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * One measure of quality, before and after.
 *
 * @param name what is measured, such as {@code top-1}
 * @param floatValue the float model's value; null when the measure compares the two models, as
 *     agreement does
 * @param quantizedValue the quantized model's value
 * @param unit the unit of both values, such as {@code %} (then values run from 0 to 100) or {@code
 *     dB}; empty for none
 * @param higherIsBetter false for an error or a loss
 */
public record MetricResult(
    String name,
    @Nullable Double floatValue,
    double quantizedValue,
    String unit,
    boolean higherIsBetter) {
  /** Refuses a missing name or unit. */
  public MetricResult {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(unit, "unit");
  }

  /** A measure where more is better, in percent from 0 to 100. */
  public static MetricResult percent(
      String name, @Nullable Double floatValue, double quantizedValue) {
    return new MetricResult(name, floatValue, quantizedValue, "%", true);
  }

  /**
   * How much worse the quantized model is, in the unit; negative when it is better, empty when
   * nothing compares.
   */
  public OptionalDouble loss() {
    if (floatValue == null) {
      return OptionalDouble.empty();
    }
    return OptionalDouble.of(
        higherIsBetter ? floatValue - quantizedValue : quantizedValue - floatValue);
  }
}
