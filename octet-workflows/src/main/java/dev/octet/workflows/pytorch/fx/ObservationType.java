package dev.octet.workflows.pytorch.fx;

/** What is observed of an operator. */
public enum ObservationType {
  /** Inputs, and the output with an observer of its own: convolutions, sums, products. */
  OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT,
  /** The output has the input's scale and zero point: pooling, concatenation, changes of shape. */
  OUTPUT_SHARE_OBSERVER_WITH_INPUT,
  /** Nothing: the operator says something of a tensor, such as its shape. */
  INPUT_OUTPUT_NOT_OBSERVED
}
