package dev.octet.core.range;

/**
 * Closed-form clips for values that follow a known law (Banner et al. 2018, ACIQ, arXiv
 * 1810.05723), for B bits symmetric about the mean. Half-range values, those of a rectifier, take B
 * + 1.
 */
final class Aciq {
  private Aciq() {}

  /**
   * The Laplace clip in units of b, the mean absolute deviation: the root a of {@code 2a / (3·4^B)
   * = 2 e^−a}.
   */
  static double laplace(int bits) {
    double target = 3 * Math.pow(4, bits);
    double a = Math.log(target);
    for (int i = 0; i < 50; i++) { // Newton on a + ln a = ln(3·4^B), which is convex enough
      a -= (a + Math.log(a) - Math.log(target)) / (1 + 1 / a);
    }
    return a;
  }

  /**
   * The Gauss clip in units of the standard deviation: the minimiser of {@code (a² + 1)(1 −
   * erf(a/√2)) − √(2/π) a e^(−a²/2) + a² / (3·4^B)}. Where its derivative is zero, {@code a (Q(a) +
   * 1/(3·4^B)) = 2 φ(a)} with φ the normal density and Q = 1 − erf(a/√2) the mass of both tails; it
   * is found by bisection.
   */
  static double gauss(int bits) {
    double noise = 1 / (3 * Math.pow(4, bits));
    double low = 0;
    double high = 40;
    for (int i = 0; i < 200; i++) {
      double a = (low + high) / 2;
      double slope = a * (bothTails(a) + noise) - 2 * density(a);
      if (slope < 0) {
        low = a;
      } else {
        high = a;
      }
    }
    return (low + high) / 2;
  }

  private static double density(double a) {
    return Math.exp(-a * a / 2) / Math.sqrt(2 * Math.PI);
  }

  /**
   * The mass of a standard normal law beyond −a and a, a ≥ 0, to double precision: the series of
   * the distribution function for small a, the continued fraction of the tail for large a
   * (Abramowitz and Stegun 26.2.11 and 26.2.14).
   */
  private static double bothTails(double a) {
    if (a < 3) {
      double term = a;
      double sum = a;
      for (int k = 3; k < 200; k += 2) {
        term *= a * a / k;
        sum += term;
      }
      return 1 - 2 * density(a) * sum;
    }
    double fraction = 0;
    for (int k = 400; k >= 1; k--) {
      fraction = k / (a + fraction);
    }
    return 2 * density(a) / (a + fraction);
  }
}
