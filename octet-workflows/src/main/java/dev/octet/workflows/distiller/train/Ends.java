package dev.octet.workflows.distiller.train;

/** What becomes of values that round to an integer beyond what the bits hold. */
public enum Ends {
  /** The last integer of the bits: what integers do when the model runs. */
  WITHIN_BITS,
  /** The integer beyond, as in Distiller's last commit, whose rounding has no limit. */
  AS_DISTILLER
}
