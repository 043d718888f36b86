package dev.octet.core.range;

import java.util.function.DoubleUnaryOperator;

/**
 * Clips that lose least by the squared error {@code Σ (x − Q(x))²}, and OCTAV's fixed point of the
 * same question.
 *
 * <p>The error is not convex in the clip (each level that enters or leaves makes a wave), so a
 * search first walks a grid of shrink factors and then closes in around the best.
 */
final class ClipSearch {
  /** Eight factors to the octave: waves of the error are wider than 9 % down to 3 bits. */
  private static final double SHRINK = Math.pow(2, -1.0 / 8);

  /** Down to a thousandth of the largest magnitude. */
  private static final int STEPS = 80;

  private static final int OCTAV_UPDATES = 20;

  private ClipSearch() {}

  /** The symmetric clip with least squared error, at most the largest magnitude. */
  static double symmetric(Distribution values, Levels levels) {
    double amax = levels.signed() ? values.amax() : Math.max(0, values.max());
    if (amax == 0) {
      return 0;
    }
    return minimize(
        clip -> values.squaredError(clip / levels.qmax(), levels.qmin(), levels.qmax()), amax);
  }

  /** The range with least squared error for a grid whose zero point is free. */
  static Range affine(Distribution values, Levels levels) {
    double min = Math.min(0, values.min());
    double max = Math.max(0, values.max());
    double low = min;
    double high = max;
    if (min < 0 && max > 0) { // the two ends depend on each other: a coarse grid finds the valley
      double least = Double.POSITIVE_INFINITY;
      for (int i = 0; i <= STEPS / 4; i++) {
        for (int j = 0; j <= STEPS / 4; j++) {
          double from = min * Math.pow(SHRINK, 3 * i);
          double to = max * Math.pow(SHRINK, 3 * j);
          double error = affineError(values, levels, from, to);
          if (error < least) {
            least = error;
            low = from;
            high = to;
          }
        }
      }
    }
    for (int round = 0; round < 2; round++) {
      double fixedLow = low;
      high = max > 0 ? minimize(to -> affineError(values, levels, fixedLow, to), max) : 0;
      double fixedHigh = high;
      low = min < 0 ? -minimize(to -> affineError(values, levels, -to, fixedHigh), -min) : 0;
    }
    return Levels.within(low, high, values.min(), values.max());
  }

  private static double affineError(Distribution values, Levels levels, double low, double high) {
    int steps = levels.qmax() - levels.qmin();
    double scale = (high - low) / steps;
    int below = (int) Math.rint(-low / scale);
    return values.squaredError(scale, -below, steps - below);
  }

  /** The argument in (0, largest] with the least value, of equal ones the largest. */
  private static double minimize(DoubleUnaryOperator error, double largest) {
    double best = largest;
    double least = error.applyAsDouble(largest);
    double clip = largest;
    for (int i = 1; i <= STEPS; i++) {
      clip *= SHRINK;
      double candidate = error.applyAsDouble(clip);
      if (candidate < least) {
        least = candidate;
        best = clip;
      }
    }
    // Finer and finer about the best: 8 candidates between its neighbours, then between theirs.
    double width = Math.log(SHRINK);
    for (int round = 0; round < 3; round++) {
      double centre = best;
      width /= 4;
      for (int i = -4; i <= 4; i++) {
        double near = Math.min(largest, centre * Math.exp(i * width));
        double candidate = error.applyAsDouble(near);
        if (candidate < least) {
          least = candidate;
          best = near;
        }
      }
    }
    return best;
  }

  /**
   * OCTAV's clip (Sakr et al. 2022, arXiv 2206.06501): from s = mean |x|, twenty times {@code s ←
   * E[|x|; |x| > s] / (4^−B/3 · P(0 < |x| ≤ s) + P(|x| > s))}. B is the number of bits of the
   * signed grid; one-sided values on an unsigned grid have the step of B + 1.
   */
  static double octav(Distribution values, int bits) {
    double noise = Math.pow(4, -bits) / 3;
    double clip = values.tailSum(0) / values.total();
    for (int i = 0; i < OCTAV_UPDATES && clip > 0; i++) {
      double outside = values.tailCount(clip);
      clip = values.tailSum(clip) / (noise * (values.nonZeros() - outside) + outside);
    }
    return clip;
  }
}
