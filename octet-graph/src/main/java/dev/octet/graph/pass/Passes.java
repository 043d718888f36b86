package dev.octet.graph.pass;

import java.util.List;

/** The ready-made lists of passes. */
public final class Passes {

  private Passes() {}

  /**
   * What every model goes through before it is quantized: constants become initializers, nodes that
   * do nothing go, and BatchNormalization is folded into the layer before it.
   */
  public static List<Pass> standard() {
    return List.of(
        new ConstantNodes(),
        new RemoveIdentity(),
        new RemoveDropout(),
        new FoldBatchNorm(),
        new RemoveUnused());
  }
}
