package dev.octet.quantize.data;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Choices for opening samples.
 *
 * @param preprocessing how to prepare images; empty: guessed from the data and the model's input
 * @param labels a CSV of {@code file,label} lines for a folder of images; empty: {@code labels.csv}
 *     in the folder if there is one, else sub-folder names, else leading numbers of file names
 * @param skipPolicy what happens to unreadable samples
 * @param maxPixels the largest image to decode, in pixels; larger ones count as unreadable
 */
public record SamplesOptions(
    Optional<Preprocessing> preprocessing,
    Optional<Path> labels,
    SkipPolicy skipPolicy,
    long maxPixels) {

  /** The default of {@code maxPixels}: 64 million, 256 MB when decoded. */
  public static final long DEFAULT_MAX_PIXELS = 64_000_000;

  /** Guess everything, skip up to {@value SkipPolicy#DEFAULT_LIMIT} samples silently. */
  public static SamplesOptions defaults() {
    return new SamplesOptions(
        Optional.empty(),
        Optional.empty(),
        SkipPolicy.reportingTo(message -> {}),
        DEFAULT_MAX_PIXELS);
  }

  /** The same with a preprocessing. */
  public SamplesOptions withPreprocessing(Preprocessing chosen) {
    return new SamplesOptions(Optional.of(chosen), labels, skipPolicy, maxPixels);
  }

  /** The same with a label file. */
  public SamplesOptions withLabels(Path csv) {
    return new SamplesOptions(preprocessing, Optional.of(csv), skipPolicy, maxPixels);
  }

  /** The same with a skip policy. */
  public SamplesOptions withSkipPolicy(SkipPolicy policy) {
    return new SamplesOptions(preprocessing, labels, policy, maxPixels);
  }
}
