package dev.octet.core.descriptor;

import java.util.List;
import java.util.Locale;

/**
 * How the range of a tensor is chosen from what was seen of it. {@code toString} gives the text
 * that {@link #parse} reads.
 */
public sealed interface RangeMethod {

  /** Everything that was seen. */
  record MinMax() implements RangeMethod {
    @Override
    public String toString() {
      return "minmax";
    }
  }

  /**
   * A moving average of each batch's extremes; depends on the order of batches by definition.
   *
   * @param constant weight of the newest batch, above 0 and at most 1
   */
  record MovingAverage(double constant) implements RangeMethod {
    public MovingAverage {
      if (!(constant > 0 && constant <= 1)) {
        throw new IllegalArgumentException(
            "moving average constant is " + constant + "; choose above 0 and at most 1");
      }
    }

    @Override
    public String toString() {
      return "moving-average:" + constant;
    }
  }

  /**
   * What is left when a share of the values is cut off.
   *
   * @param percent of the values that stay, above 50 and at most 100
   */
  record Percentile(double percent) implements RangeMethod {
    public Percentile {
      if (!(percent > 50 && percent <= 100)) {
        throw new IllegalArgumentException(
            "percentile is " + percent + "; choose above 50 and at most 100");
      }
    }

    @Override
    public String toString() {
      return "percentile:" + percent;
    }
  }

  /** The clip whose quantized distribution has the least Kullback-Leibler divergence. */
  record Entropy() implements RangeMethod {
    @Override
    public String toString() {
      return "entropy";
    }
  }

  /** The clip with the least mean squared error. */
  record Mse() implements RangeMethod {
    @Override
    public String toString() {
      return "mse";
    }
  }

  /** The fixed point of OCTAV (arXiv 2206.06501). */
  record Octav() implements RangeMethod {
    @Override
    public String toString() {
      return "octav";
    }
  }

  /** The closed form of ACIQ (arXiv 1810.05723) for one of its distributions. */
  record Aciq(Distribution distribution) implements RangeMethod {
    /** The distribution that values are taken to have. */
    public enum Distribution {
      LAPLACE,
      GAUSS
    }

    @Override
    public String toString() {
      return "aciq:" + distribution.name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * So many standard deviations around the mean, within what was seen.
   *
   * @param n how many, above 0 and finite
   */
  record NSigma(double n) implements RangeMethod {
    public NSigma {
      if (!(n > 0 && n < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("number of deviations is " + n + "; choose above 0");
      }
    }

    @Override
    public String toString() {
      return "nsigma:" + n;
    }
  }

  /** The average of each sample's extremes; a sample is an index of axis 0. */
  record AverageExtremes() implements RangeMethod {
    @Override
    public String toString() {
      return "average";
    }
  }

  /**
   * Reads a method such as {@code mse}, {@code percentile:99.99} or {@code aciq:gauss}.
   *
   * @throws IllegalArgumentException if the text names no method or its number is out of range
   */
  static RangeMethod parse(String text) {
    int colon = text.indexOf(':');
    String name = (colon < 0 ? text : text.substring(0, colon)).trim().toLowerCase(Locale.ROOT);
    String setting = colon < 0 ? "" : text.substring(colon + 1).trim();
    if (!setting.isEmpty()
        && List.of("minmax", "entropy", "mse", "octav", "average").contains(name)) {
      throw new IllegalArgumentException(
          "range method '" + text + "' has a setting; '" + name + "' takes none");
    }
    return switch (name) {
      case "minmax" -> new MinMax();
      case "entropy" -> new Entropy();
      case "mse" -> new Mse();
      case "octav" -> new Octav();
      case "average" -> new AverageExtremes();
      case "percentile" -> new Percentile(number(text, setting, 99.99));
      case "moving-average" -> new MovingAverage(number(text, setting, 0.01));
      case "nsigma" -> new NSigma(number(text, setting, 3));
      case "aciq" -> new Aciq(distribution(text, setting));
      default ->
          throw new IllegalArgumentException(
              "range method '"
                  + text
                  + "' is not known; choose minmax, moving-average, percentile, entropy, mse, octav,"
                  + " aciq, nsigma or average");
    };
  }

  private static double number(String text, String setting, double otherwise) {
    try {
      return setting.isEmpty() ? otherwise : Double.parseDouble(setting);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "range method '" + text + "' needs a number after the colon", e);
    }
  }

  private static Aciq.Distribution distribution(String text, String setting) {
    return switch (setting.toLowerCase(Locale.ROOT)) {
      case "", "laplace" -> Aciq.Distribution.LAPLACE;
      case "gauss" -> Aciq.Distribution.GAUSS;
      default ->
          throw new IllegalArgumentException(
              "range method '" + text + "' names no distribution; choose laplace or gauss");
    };
  }
}
