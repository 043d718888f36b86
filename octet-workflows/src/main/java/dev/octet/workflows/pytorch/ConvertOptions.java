package dev.octet.workflows.pytorch;

/**
 * How a prepared model is converted.
 *
 * @param allowUnobserved whether a module that saw no values stays float, with a remark; otherwise
 *     it is an error
 * @param usePrecomputedFakeQuant whether weights that trained keep the scale they have; otherwise
 *     their fake-quantize module sees the weight once more, batch normalisation folded in, as
 *     PyTorch has it by default
 */
public record ConvertOptions(boolean allowUnobserved, boolean usePrecomputedFakeQuant) {
  /** Neither. */
  public static ConvertOptions defaults() {
    return new ConvertOptions(false, false);
  }

  /** The same, but what was not observed stays float. */
  public ConvertOptions withUnobserved() {
    return new ConvertOptions(true, usePrecomputedFakeQuant);
  }

  /** The same, but weights that trained keep the scale they have. */
  public ConvertOptions withPrecomputedFakeQuant() {
    return new ConvertOptions(allowUnobserved, true);
  }
}
