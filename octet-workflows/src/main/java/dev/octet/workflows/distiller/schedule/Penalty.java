package dev.octet.workflows.distiller.schedule;

import dev.octet.torch.Scope;
import dev.octet.workflows.distiller.stats.Structure;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * What a parameter adds to the loss.
 *
 * @param kind of the penalty
 * @param strength its factor, not negative
 * @param structures what groups are; none for {@link Kind#L1}, else at least one, whose penalties
 *     are added
 */
public record Penalty(Kind kind, double strength, List<Structure> structures) {
  /** Inside of roots, whose gradient at 0 has no bounds. */
  private static final double EPSILON = 1e-8;

  /** What is added. */
  public enum Kind {
    /** {@code Σ|w|}, which drives elements to zero. */
    L1,
    /** {@code Σ over groups √(Σw²)}, which drives whole groups to zero (Yuan and Lin, 2006). */
    GROUP_LASSO,
    /**
     * {@code 1 / variance} of the groups' 2-norms, which drives groups apart (Torfi et al.,
     * "Attention-Based Guided Structured Sparsity", 2018).
     */
    GROUP_VARIANCE
  }

  /** Checks the numbers. */
  public Penalty {
    structures = List.copyOf(structures);
    if (!(strength >= 0) || Double.isInfinite(strength)) {
      throw new IllegalArgumentException("the strength is " + strength + "; choose 0 or more");
    }
    if (kind == Kind.L1 != structures.isEmpty()) {
      throw new IllegalArgumentException(
          kind + " with the structures " + structures + "; only L1 has none");
    }
  }

  /** The sum of magnitudes. */
  public static Penalty l1(double strength) {
    return new Penalty(Kind.L1, strength, List.of());
  }

  /** The penalty of a parameter, one value, tracked for gradients. */
  Tensor of(Tensor parameter) {
    try (Scope scope = Scope.open()) {
      Tensor sum = null;
      if (kind == Kind.L1) {
        sum = parameter.abs().sum();
      }
      for (Structure structure : structures) {
        Tensor norms = structure.sums(parameter.mul(parameter)).add(new Scalar(EPSILON)).sqrt();
        Tensor each =
            kind == Kind.GROUP_LASSO
                ? norms.sum()
                : norms.var().add(new Scalar(EPSILON)).reciprocal();
        sum = sum == null ? each : sum.add(each);
      }
      if (sum == null) {
        throw new IllegalStateException("no structure in " + this);
      }
      return scope.give(sum.mul(new Scalar(strength)));
    }
  }

  void check(long[] shape) {
    structures.forEach(structure -> structure.count(shape));
  }
}
