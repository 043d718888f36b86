package dev.octet.workflows.distiller.prune;

/** When a mask holds. */
public enum Masking {
  /** Always: what is left out stays zero, whatever moves the parameter. */
  ALWAYS,
  /** While the model computes: the optimizer may move what is left out away from zero. */
  FORWARD_ONLY,
  /**
   * While the model computes, on a copy: the optimizer moves the parameter as it was before, by the
   * gradients that the copy had.
   */
  DOUBLE_COPIES,
  /** Once: what is left out becomes zero, and no mask is kept. */
  ONCE
}
