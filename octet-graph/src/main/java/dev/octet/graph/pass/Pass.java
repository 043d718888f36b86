package dev.octet.graph.pass;

/**
 * A change that leaves what a graph computes as it was, under the same input and output names.
 *
 * <p>Passes hold no state and may be shared between threads; the graphs they change may not.
 */
public sealed interface Pass permits Rewrite, Sweep {

  /** A short name in lower case with hyphens, such as {@code fold-batch-norm}: for reports. */
  String name();
}
