package dev.octet.graph.pass;

import dev.octet.graph.Model;
import dev.octet.graph.shape.Shapes;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** The ready-made lists of passes. */
public final class Passes {
  /** The first format version in which an initializer need not be an input. */
  private static final long FREE_INITIALIZERS = 4;

  private Passes() {}

  /**
   * What every model goes through before it is quantized: constants become initializers and what
   * depends on them alone is computed, nodes that do nothing go, and BatchNormalization and
   * constants per channel are folded into the layer before them, and Relu stands before MaxPool.
   */
  public static List<Pass> standard() {
    return List.of(
        new ConstantNodes(),
        new ConstantFolding(),
        new RemoveIdentity(),
        new RemoveDropout(),
        new RemoveNoOp(),
        new FoldBatchNorm(),
        new FoldChannelArithmetic(),
        new ReluBeforeMaxPool(),
        new RemoveUnused(),
        new DeduplicateInitializers());
  }

  /**
   * Runs {@link #standard()} and then {@link MatMulAddToGemm} on {@code model}. Below format
   * version 4, where every initializer is listed as an input, {@link DropOverridableInitializers}
   * goes first and the version becomes 4.
   */
  public static RewriteResult simplify(Model model) {
    return simplify(model, pass -> true);
  }

  /** The same without those passes of {@link #standard()} that {@code wanted} leaves out. */
  public static RewriteResult simplify(Model model, Predicate<Pass> wanted) {
    List<Pass> passes = new ArrayList<>();
    if (model.irVersion() < FREE_INITIALIZERS) {
      passes.add(new DropOverridableInitializers());
      model.raiseIrVersion(FREE_INITIALIZERS);
    }
    standard().stream().filter(wanted).forEach(passes::add);
    RewriteResult simplified = Rewrites.run(model.graph(), passes);
    Shapes shapes = Shapes.infer(model.graph());
    return simplified.then(Rewrites.run(model.graph(), new MatMulAddToGemm(shapes)));
  }
}
