package dev.octet.quantize.report;

import java.time.Duration;
import java.util.Objects;

/**
 * How long one stage of the run took.
 *
 * @param name the stage, such as {@code calibrate}
 * @param elapsed wall-clock time, not negative
 */
public record StageTime(String name, Duration elapsed) {
  /** Refuses missing parts and a negative time. */
  public StageTime {
    Objects.requireNonNull(name, "name");
    if (elapsed.isNegative()) {
      throw new IllegalArgumentException(
          "stage '" + name + "' took " + elapsed + "; measure with a clock that does not go back");
    }
  }
}
