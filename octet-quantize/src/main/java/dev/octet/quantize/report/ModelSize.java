package dev.octet.quantize.report;

/**
 * How large the model was and is.
 *
 * @param bytesBefore bytes of the float model with its external data
 * @param bytesAfter bytes of the written model with its external data
 * @param parameters number of trained values in the float model
 */
public record ModelSize(long bytesBefore, long bytesAfter, long parameters) {
  /** Refuses negative counts. */
  public ModelSize {
    Check.notNegative(bytesBefore, "bytesBefore");
    Check.notNegative(bytesAfter, "bytesAfter");
    Check.notNegative(parameters, "parameters");
  }

  /** Size before divided by size after; NaN when either is unknown (0). */
  public double ratio() {
    return bytesBefore == 0 || bytesAfter == 0 ? Double.NaN : (double) bytesBefore / bytesAfter;
  }
}
