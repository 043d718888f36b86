package dev.octet.quantize.bench;

import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.metric.Difference;
import dev.octet.quantize.metric.Metric;
import dev.octet.quantize.metric.Outcome;
import dev.octet.quantize.metric.Score;
import dev.octet.quantize.metric.Tally;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How far the outputs of both sides are apart, of the same inputs. Over all outputs, the worst.
 *
 * @param largest the largest difference of two values; null where a value is finite on one side
 *     only, or nothing was compared
 * @param sqnrDb the noise of the engine's outputs beside ONNX Runtime's, in decibels; null where
 *     there is none, or {@code largest} is null
 * @param sameClass the share of samples whose largest value in the first output is at the same
 *     place; null where an output has no classes
 * @param misfit why nothing was compared; null where something was
 */
public record Likeness(
    @Nullable Double largest,
    @Nullable Double sqnrDb,
    @Nullable Double sameClass,
    @Nullable String misfit) {

  /** Nothing was compared. */
  static Likeness none(String reason) {
    return new Likeness(null, null, null, reason);
  }

  /** Compares outputs of equal numbers in the same order. */
  static Likeness of(List<HostTensor> engine, List<HostTensor> onnxRuntime) {
    if (engine.size() != onnxRuntime.size()) {
      return none("one side has " + engine.size() + " outputs, one " + onnxRuntime.size());
    }
    double largest = 0;
    double sqnr = Double.POSITIVE_INFINITY;
    Tally classes = Metric.agreement().tally();
    for (int i = 0; i < engine.size(); i++) {
      Difference difference = new Difference();
      try {
        difference.add(onnxRuntime.get(i), engine.get(i));
        if (i == 0) {
          classes.add(
              new Outcome(
                  Map.of("output", engine.get(i)),
                  Map.of("output", onnxRuntime.get(i)),
                  List.of()));
        }
      } catch (IllegalArgumentException e) {
        return none(
            "output " + i + " is " + engine.get(i) + " here and " + onnxRuntime.get(i) + " there");
      }
      largest = Math.max(largest, difference.maxError());
      sqnr = Math.min(sqnr, difference.sqnr());
    }
    List<Score> same = classes.scores();
    return new Likeness(
        finite(largest), finite(sqnr), same.isEmpty() ? null : same.get(0).value(), null);
  }

  private static @Nullable Double finite(double value) {
    return Double.isFinite(value) ? (Double) value : null;
  }

  /** In a few words, such as {@code 0.0021, 54.3 dB, class 100 %}. */
  public String text() {
    if (misfit != null) {
      return "not compared";
    }
    if (largest == null) {
      return "not finite";
    }
    StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "%.2g", largest));
    if (sqnrDb != null) {
      text.append(String.format(Locale.ROOT, ", %.1f dB", sqnrDb));
    }
    if (sameClass != null) {
      text.append(String.format(Locale.ROOT, ", class %.0f %%", Math.floor(100 * sameClass)));
    }
    return text.toString();
  }
}
