package dev.octet.workflows.distiller.stats;

import dev.octet.core.yaml.SafeYaml;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What was seen in one tensor over a calibration run. A figure that was not collected is NaN.
 *
 * @param min the smallest value
 * @param max the largest value
 * @param avgMin the mean over samples of a sample's smallest value
 * @param avgMax the mean over samples of a sample's largest value
 * @param mean the mean
 * @param std the standard deviation of the population
 * @param b the mean absolute deviation from the mean, the scale of a Laplace law
 * @param shape in Python's form with a free batch, such as {@code (N, 64, 56, 56)}; empty if
 *     unknown
 * @param totalNumel how many values were seen; 0 if unknown
 */
public record TensorStats(
    double min,
    double max,
    double avgMin,
    double avgMax,
    double mean,
    double std,
    double b,
    String shape,
    long totalNumel) {

  /** Figures of a range alone. */
  public static TensorStats of(double min, double max, double avgMin, double avgMax) {
    return new TensorStats(min, max, avgMin, avgMax, Double.NaN, Double.NaN, Double.NaN, "", 0);
  }

  /** Whether anything was seen: of a layer that never ran Distiller's files say min above max. */
  public boolean isSeen() {
    return min <= max;
  }

  /** The same with another range; mean and deviations stay. */
  public TensorStats withRange(double newMin, double newMax, double newAvgMin, double newAvgMax) {
    return new TensorStats(newMin, newMax, newAvgMin, newAvgMax, mean, std, b, shape, totalNumel);
  }

  /** The same with the extremes of all in the place of the average ones. */
  public TensorStats withoutSamples() {
    return withRange(min, max, min, max);
  }

  /** The same with all values outside {@code [low, high]} put onto its ends. */
  public TensorStats clipped(double low, double high) {
    return withRange(
        Math.min(Math.max(min, low), high),
        Math.min(Math.max(max, low), high),
        Math.min(Math.max(avgMin, low), high),
        Math.min(Math.max(avgMax, low), high));
  }

  /** The record under Distiller's keys, without what was not collected. */
  public Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> record = new LinkedHashMap<>();
    put(record, "min", min);
    put(record, "max", max);
    put(record, "avg_min", avgMin);
    put(record, "avg_max", avgMax);
    put(record, "mean", mean);
    put(record, "std", std);
    put(record, "b", b);
    if (!shape.isEmpty()) {
      record.put("shape", shape);
    }
    if (totalNumel > 0) {
      record.put("total_numel", totalNumel);
    }
    return record;
  }

  private static void put(Map<String, @Nullable Object> record, String key, double value) {
    if (!Double.isNaN(value)) {
      record.put(key, value);
    }
  }

  /**
   * Reads a record of Distiller's; older ones have no {@code b} and no {@code total_numel}, and
   * keys that are not known here are left alone.
   *
   * @param what names the tensor for messages
   * @throws IllegalArgumentException if it has no min and max, or one is no number
   */
  public static TensorStats fromMap(Map<String, @Nullable Object> record, String what) {
    Object shape = record.get("shape");
    double count = get(record, "total_numel", what);
    TensorStats stats =
        new TensorStats(
            get(record, "min", what),
            get(record, "max", what),
            get(record, "avg_min", what),
            get(record, "avg_max", what),
            get(record, "mean", what),
            get(record, "std", what),
            get(record, "b", what),
            shape == null ? "" : String.valueOf(shape),
            Double.isNaN(count) ? 0 : (long) count);
    if (Double.isNaN(stats.min) || Double.isNaN(stats.max)) {
      throw new IllegalArgumentException(
          what + " has no min and max among " + record.keySet() + "; collect statistics anew");
    }
    return stats;
  }

  private static double get(Map<String, @Nullable Object> record, String key, String what) {
    return record.containsKey(key)
        ? SafeYaml.number(record.get(key), what + ", '" + key + "',")
        : Double.NaN;
  }
}
