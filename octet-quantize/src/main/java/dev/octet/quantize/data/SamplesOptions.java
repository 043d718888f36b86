package dev.octet.quantize.data;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Choices for opening samples.
 *
 * @param preprocessing given what is guessed from the data and the model's input, what to do with
 *     images; the default takes the guess
 * @param labels a CSV of {@code file,label} lines for a folder of images; empty: {@code labels.csv}
 *     in the folder if there is one, else sub-folder names, else leading numbers of file names
 * @param skipPolicy what happens to unreadable samples
 * @param maxPixels the largest image to decode, in pixels; larger ones count as unreadable
 */
public record SamplesOptions(
    UnaryOperator<Preprocessing> preprocessing,
    Optional<Path> labels,
    SkipPolicy skipPolicy,
    long maxPixels) {

  /** The default of {@code maxPixels}: 64 million, 256 MB when decoded to 8 bits. */
  public static final long DEFAULT_MAX_PIXELS = 64_000_000;

  public SamplesOptions {
    if (maxPixels < 1) {
      throw new IllegalArgumentException("max pixels is " + maxPixels + "; choose 1 or more");
    }
  }

  /** Guess everything, skip up to {@value SkipPolicy#DEFAULT_LIMIT} samples silently. */
  public static SamplesOptions defaults() {
    return new SamplesOptions(
        guess -> guess,
        Optional.empty(),
        SkipPolicy.reportingTo(message -> {}),
        DEFAULT_MAX_PIXELS);
  }

  /** The same with exactly this preprocessing. */
  public SamplesOptions withPreprocessing(Preprocessing chosen) {
    return new SamplesOptions(guess -> chosen, labels, skipPolicy, maxPixels);
  }

  /**
   * The same with a preset by name, fitted to the model: its layout, and, for a preset that crops,
   * its size.
   *
   * @throws IllegalArgumentException if there is no such preset
   */
  public SamplesOptions withPreset(String name) {
    Preprocessing preset = Preprocessing.parse(name);
    return new SamplesOptions(preset::fittedTo, labels, skipPolicy, maxPixels);
  }

  /** The same with a change to whatever preprocessing comes out of the choices so far. */
  public SamplesOptions adjusting(UnaryOperator<Preprocessing> change) {
    return new SamplesOptions(
        guess -> change.apply(preprocessing.apply(guess)), labels, skipPolicy, maxPixels);
  }

  /** The same with a label file. */
  public SamplesOptions withLabels(Path csv) {
    return new SamplesOptions(preprocessing, Optional.of(csv), skipPolicy, maxPixels);
  }

  /** The same with a skip policy. */
  public SamplesOptions withSkipPolicy(SkipPolicy policy) {
    return new SamplesOptions(preprocessing, labels, policy, maxPixels);
  }

  /** The same with another limit on the size of images. */
  public SamplesOptions withMaxPixels(long pixels) {
    return new SamplesOptions(preprocessing, labels, skipPolicy, pixels);
  }
}
