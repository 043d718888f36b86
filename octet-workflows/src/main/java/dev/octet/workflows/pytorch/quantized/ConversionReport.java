package dev.octet.workflows.pytorch.quantized;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What became of each layer of a model. */
public record ConversionReport(List<Line> lines) {
  /**
   * A layer.
   *
   * @param path of the module
   * @param module as it is now
   * @param why it computes in floats; null where it is quantized
   */
  public record Line(String path, String module, @Nullable String why) {
    /** Whether it is quantized. */
    public boolean isQuantized() {
      return why == null;
    }

    @Override
    public String toString() {
      return path + ": " + module + (why == null ? "" : ", float: " + why);
    }
  }

  /** Copies the lines. */
  public ConversionReport {
    lines = List.copyOf(lines);
  }

  /** The layers that are quantized. */
  public List<Line> quantized() {
    return lines.stream().filter(Line::isQuantized).toList();
  }

  /** The layers that compute in floats, each with its reason. */
  public List<Line> leftFloat() {
    List<Line> left = new ArrayList<>(lines);
    left.removeIf(line -> Objects.isNull(line.why()));
    return left;
  }

  /** One layer a line. */
  @Override
  public String toString() {
    return String.join("\n", lines.stream().map(Line::toString).toList());
  }
}
