package dev.octet.core.recipe;

/** What is quantized, and when activation ranges are found. */
public enum Mode {
  /** Weights and activations; ranges are learned from samples. */
  STATIC,
  /** Weights and activations; ranges are found as the model runs. */
  DYNAMIC,
  /** Weights alone; the model computes in float. */
  WEIGHT_ONLY,
  /** Weights alone, as 16-bit floats. */
  FLOAT16
}
