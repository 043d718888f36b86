package dev.octet.workflows.distiller;

import java.util.Arrays;
import java.util.Comparator;

/**
 * Minimisation by a simplex that is reflected, stretched and shrunk (Nelder and Mead 1965, "A
 * simplex method for function minimization"), with the coefficients of Gao and Han 2012 for many
 * variables.
 */
final class NelderMead {
  private static final int STEPS_PER_VARIABLE = 200;

  private static final class Vertex {
    private final double[] point;
    private final double value;

    Vertex(double[] point, double value) {
      this.point = point;
      this.value = value;
    }

    double[] point() {
      return point;
    }

    double value() {
      return value;
    }
  }

  private final Objective objective;
  private final double step;
  private final double tolerance;

  /**
   * A search.
   *
   * @param step from the start to the other corners of the first simplex
   * @param tolerance it ends when the simplex is narrower
   */
  NelderMead(Objective objective, double step, double tolerance) {
    this.objective = objective;
    this.step = step;
    this.tolerance = tolerance;
  }

  /** Searches from a point; each further round begins anew around the best one. */
  void minimize(double[] start, int rounds) {
    double[] from = start;
    for (int round = 0; round < rounds && !objective.isExhausted() && from.length > 0; round++) {
      round(from);
      from = objective.best();
    }
  }

  private void round(double[] start) {
    int n = start.length;
    Vertex[] simplex = new Vertex[n + 1];
    for (int i = 0; i <= n; i++) {
      double[] point = start.clone();
      if (i > 0) {
        point[i - 1] += step;
      }
      simplex[i] = vertex(point);
    }
    double expand = 1 + 2.0 / n;
    double contract = 0.75 - 0.5 / n;
    double shrink = n == 1 ? 0.5 : 1 - 1.0 / n;
    for (int i = 0; i < STEPS_PER_VARIABLE * n && !objective.isExhausted(); i++) {
      Arrays.sort(simplex, Comparator.comparingDouble(Vertex::value));
      if (width(simplex) < tolerance) {
        return;
      }
      double[] center = center(simplex);
      Vertex worst = simplex[n];
      Vertex reflected = vertex(towards(center, worst.point(), -1));
      if (reflected.value() < simplex[0].value()) {
        Vertex expanded = vertex(towards(center, worst.point(), -expand));
        simplex[n] = expanded.value() < reflected.value() ? expanded : reflected;
        continue;
      }
      if (n > 1 && reflected.value() < simplex[n - 1].value()) {
        simplex[n] = reflected;
        continue;
      }
      boolean outside = reflected.value() < worst.value();
      Vertex inner = vertex(towards(center, worst.point(), outside ? -contract : contract));
      if (inner.value() < Math.min(reflected.value(), worst.value())) {
        simplex[n] = inner;
        continue;
      }
      for (int corner = 1; corner <= n; corner++) {
        simplex[corner] = vertex(towards(simplex[0].point(), simplex[corner].point(), shrink));
      }
    }
  }

  private Vertex vertex(double[] point) {
    return new Vertex(point, objective.at(point));
  }

  /** The mean of all corners but the last. */
  private static double[] center(Vertex[] simplex) {
    int n = simplex.length - 1;
    double[] center = new double[n];
    for (int corner = 0; corner < n; corner++) {
      for (int i = 0; i < n; i++) {
        center[i] += simplex[corner].point()[i] / n;
      }
    }
    return center;
  }

  /** A share of the way from one point to another; less than 0 leads away. */
  private static double[] towards(double[] from, double[] to, double share) {
    double[] point = from.clone();
    for (int i = 0; i < point.length; i++) {
      point[i] += share * (to[i] - from[i]);
    }
    return point;
  }

  private static double width(Vertex[] simplex) {
    double widest = 0;
    for (Vertex vertex : simplex) {
      for (int i = 0; i < vertex.point().length; i++) {
        widest = Math.max(widest, Math.abs(vertex.point()[i] - simplex[0].point()[i]));
      }
    }
    return widest;
  }
}
