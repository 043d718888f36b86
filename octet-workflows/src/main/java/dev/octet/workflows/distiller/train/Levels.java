package dev.octet.workflows.distiller.train;

/** Which levels values are rounded to. */
public enum Levels {
  /** Those that the bits hold, as integers have them when the model runs. */
  WITHIN_BITS,
  /**
   * Those of Distiller's last commit, bit for bit: values are multiplied by a scale, rounded
   * without a limit, and divided by it. What rounds to an integer beyond the bits becomes that.
   */
  AS_DISTILLER
}
