package dev.octet.workflows.pytorch.fx;

/** How an operator is computed after conversion. */
public enum Mode {
  /** On integers of known scales. */
  STATIC,
  /** On integer weights; inputs are rounded by the range of each call. */
  DYNAMIC,
  /** In float, with weights stored as integers. */
  WEIGHT_ONLY,
  /** In float, with weights stored as 16-bit floats. */
  FLOAT16,
  /** In float, as it was. */
  FLOAT
}
