package dev.octet.workflows.distiller.stats;

import dev.octet.core.yaml.SafeYaml;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How often a tensor's values fell into each of equal parts of its range.
 *
 * @param min the lower end of the first part
 * @param max the upper end of the last, which belongs to it
 * @param counts of the parts
 */
public record ActivationHistogram(double min, double max, List<Long> counts) {
  /** Copies the counts. */
  public ActivationHistogram {
    if (!(min < max) || counts.isEmpty()) {
      throw new IllegalArgumentException(
          counts.size() + " parts of [" + min + ", " + max + "] are no histogram");
    }
    counts = List.copyOf(counts);
  }

  /** The middle of each part. */
  public double[] binCentroids() {
    double width = (max - min) / counts.size();
    double[] centroids = new double[counts.size()];
    for (int i = 0; i < centroids.length; i++) {
      centroids[i] = min + (i + 0.5) * width;
    }
    return centroids;
  }

  /**
   * Of both.
   *
   * @throws IllegalArgumentException if ranges or parts differ
   */
  public ActivationHistogram merge(ActivationHistogram other) {
    if (min != other.min || max != other.max || counts.size() != other.counts.size()) {
      throw new IllegalArgumentException(
          "histograms of ["
              + min
              + ", "
              + max
              + "] and ["
              + other.min
              + ", "
              + other.max
              + "], or of different parts, do not merge");
    }
    List<Long> sums = new ArrayList<>();
    for (int i = 0; i < counts.size(); i++) {
      sums.add(counts.get(i) + other.counts.get(i));
    }
    return new ActivationHistogram(min, max, sums);
  }

  /** The record under Distiller's keys {@code hist} and {@code bin_centroids}, and its range. */
  Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> record = new LinkedHashMap<>();
    record.put("min", min);
    record.put("max", max);
    record.put("hist", counts);
    record.put("bin_centroids", Arrays.stream(binCentroids()).boxed().toList());
    return record;
  }

  static ActivationHistogram fromMap(Map<String, @Nullable Object> record, String what) {
    double[] counts = numbers(record.get("hist"), what + " 'hist'");
    double[] centroids = numbers(record.get("bin_centroids"), what + " 'bin_centroids'");
    if (counts.length != centroids.length || counts.length < 2) {
      throw new IllegalArgumentException(
          what
              + " has "
              + counts.length
              + " counts and "
              + centroids.length
              + " centroids; there must be as many, and 2 at least");
    }
    double half = (centroids[centroids.length - 1] - centroids[0]) / (counts.length - 1) / 2;
    List<Long> whole = new ArrayList<>();
    for (double count : counts) {
      if (!(count >= 0) || count != Math.rint(count)) {
        throw new IllegalArgumentException(what + " has a count of " + count);
      }
      whole.add((long) count);
    }
    // Of a file without a range, which Distiller does not keep, the centroids tell.
    return record.containsKey("min") && record.containsKey("max")
        ? new ActivationHistogram(
            SafeYaml.number(record.get("min"), what + " 'min'"),
            SafeYaml.number(record.get("max"), what + " 'max'"),
            whole)
        : new ActivationHistogram(
            centroids[0] - half, centroids[centroids.length - 1] + half, whole);
  }

  private static double[] numbers(@Nullable Object value, String what) {
    if (!(value instanceof List<?> list)) {
      throw new IllegalArgumentException(what + " is " + SafeYaml.kind(value) + "; give a list");
    }
    List<Double> numbers = new ArrayList<>();
    for (Object item : list) {
      numbers.add(SafeYaml.number(item, "an element of " + what));
    }
    return numbers.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
