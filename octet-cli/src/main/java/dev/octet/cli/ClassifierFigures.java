package dev.octet.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.octet.quantize.evaluate.Evaluation;
import dev.octet.torch.train.Score;
import java.util.Locale;

/** What commands tell of a classifier and of the quantized one that they wrote. */
final class ClassifierFigures {
  private ClassifierFigures() {}

  /** A row of accuracy and loss. */
  static String[] row(String name, Score score) {
    return new String[] {
      name, percent(score.accuracy()), String.format(Locale.ROOT, "%.4f", score.loss())
    };
  }

  /** A share from 0 to 1 as a cell. */
  static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f %%", 100 * share);
  }

  /** A line of what the written model came to, and sizes in bytes. */
  static String line(Evaluation written, long bytes, long floatBytes) {
    return String.format(
        Locale.ROOT,
        "agreement with the float model: %s; size: %.1f kB, float: %.1f kB%n",
        percent(written.value("agreement")),
        bytes / 1e3,
        floatBytes / 1e3);
  }

  /** The same as members of a JSON object. */
  static void put(ObjectNode root, Evaluation written, long bytes, long floatBytes) {
    ObjectNode integers = root.putObject("written");
    integers.put("samples", written.samples());
    integers.put("top1", written.value("top1"));
    integers.put("agreement", written.value("agreement"));
    root.put("floatBytes", floatBytes);
    root.put("bytes", bytes);
  }
}
