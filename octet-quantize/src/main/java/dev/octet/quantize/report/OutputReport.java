package dev.octet.quantize.report;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How far one output of the model moved.
 *
 * @param name the output
 * @param sqnrDb signal to quantization noise in dB: 10·log10(Σx² / Σ(x − y)²) over all samples, x
 *     the float model's value, y the other's; +infinity when equal
 * @param cosine cosine of the angle between the two, 1 when they point the same way
 * @param maxAbsError largest |x − y|; null when not measured
 */
public record OutputReport(
    String name, @Nullable Double sqnrDb, @Nullable Double cosine, @Nullable Double maxAbsError) {
  /** Refuses a missing name. */
  public OutputReport {
    Objects.requireNonNull(name, "name");
  }
}
