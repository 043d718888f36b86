package dev.octet.quantize.metric;

import java.util.List;

/**
 * A way to judge outputs. A user's own metric implements this and {@link Tally}; it is given each
 * batch's outputs, those of the float model where there is one, and labels where they are known.
 *
 * <p>Where classes are compared, a sample's class is the arg-max over all elements of the first
 * output except its batch axis, the lowest index among equal ones. Outputs of fewer than two
 * elements a sample have no class and are not counted. A sample with a NaN is counted as wrong.
 */
public interface Metric {

  /** The name in reports and JSON, such as {@code top1}. */
  String name();

  /** A new, empty tally. */
  Tally tally();

  /** The share of labelled samples whose label is the arg-max. */
  static Metric top1() {
    return new TopK("top1", 1);
  }

  /** The share of labelled samples whose label is among the five largest. */
  static Metric top5() {
    return new TopK("top5", 5);
  }

  /** The share of samples with the same arg-max as the float model's. */
  static Metric agreement() {
    return new Agreement();
  }

  /**
   * The signal-to-quantization-noise ratio of each output over all its values, {@code 10 log10(sum
   * f^2 / sum (f - q)^2)} in decibels; f the float model's. See {@link Difference#sqnr}.
   */
  static Metric sqnr() {
    return new DifferenceMetric("sqnr", Score.Unit.DECIBEL, Difference::sqnr);
  }

  /** The cosine of each output and the float model's, over all values as one vector; -1 to 1. */
  static Metric cosine() {
    return new DifferenceMetric("cosine", Score.Unit.NUMBER, Difference::cosine);
  }

  /** The largest absolute difference of each output from the float model's. */
  static Metric maxError() {
    return new DifferenceMetric("max-error", Score.Unit.NUMBER, Difference::maxError);
  }

  /** All of the above, in that order. */
  static List<Metric> standard() {
    return List.of(top1(), top5(), agreement(), sqnr(), cosine(), maxError());
  }
}
