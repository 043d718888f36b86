package dev.octet.quantize.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Samples in a fixed order, read as they are asked for: never all in memory.
 *
 * <p>Each call of {@link #iterator} starts a new pass that gives the same samples in the same
 * order. What a path holds is recognised by {@link #open}; the other factories are for code that
 * knows.
 */
public interface Samples extends Iterable<Sample> {

  /** Starts a pass; close it when stopping before the end. */
  @Override
  SampleIterator iterator();

  /**
   * The number of samples, where it is known without reading them. Meant for progress: unreadable
   * samples are counted, and a compressed file is believed.
   */
  OptionalLong size();

  /**
   * These as images before they are prepared, in any order, for training; empty for arrays and
   * tokens. CIFAR-10 and MNIST are read into memory by this call, files of a folder when asked for.
   *
   * @throws DataException if a file of many images cannot be read
   */
  default Optional<Pictures> pictures() {
    return Optional.empty();
  }

  /** What these are, in words, for reports. */
  String description();

  /** The first {@code count} samples, or all when there are fewer. */
  default Samples limit(long count) {
    return new SelectedSamples(this, 0, 1, count);
  }

  /** All samples but the first {@code count}. */
  default Samples skip(long count) {
    return new SelectedSamples(this, count, 1, Long.MAX_VALUE);
  }

  /**
   * Up to {@code count} samples spread evenly over the whole set, for sets that are sorted by
   * class; the first {@code count} where the size is not known.
   */
  default Samples spread(long count) {
    long size = size().orElse(0);
    return new SelectedSamples(this, 0, Math.max(1, size / Math.max(1, count)), count);
  }

  /**
   * Up to {@code count} samples that can stand for all: the first ones, or where the set is sorted
   * by class, as a folder of images is, ones {@linkplain #spread spread} over it.
   */
  default Samples representative(long count) {
    return limit(count);
  }

  /**
   * Opens whatever {@code path} is: a folder of images, CIFAR-10 binary, MNIST idx (both plain or
   * gzip), {@code .npy}, {@code .npz}, a folder of {@code .npy}, or a CSV of token ids. Where it
   * holds a training and a test part, calibration gets the first and evaluation the second.
   *
   * @param inputs the model's inputs; they decide the default preprocessing
   * @throws DataException if the path cannot be read or recognised
   */
  static DataSet open(Path path, List<ModelInput> inputs, SamplesOptions options) {
    return new DataSetOpener(inputs, options).open(path);
  }

  /** CIFAR-10 records of one file: a label byte, then 32 x 32 red, green and blue bytes. */
  static Samples cifar10(Path file, Preprocessing preprocessing) {
    return new Cifar10Samples(file, preprocessing, SkipPolicy.strict());
  }

  /** MNIST-like images of an idx file, and their labels. */
  static Samples mnist(Path images, Path labels, Preprocessing preprocessing) {
    return new MnistSamples(images, labels, preprocessing);
  }

  /** The rows of an array: {@code [N, ...]} gives N samples for the model's only input. */
  static Samples npy(Path file) {
    return ArraySamples.ofFile(file);
  }

  /**
   * The rows of the arrays in a zip file, each named after a model input; an integer array {@code
   * labels} gives the labels.
   */
  static Samples npz(Path file) {
    return ArraySamples.ofZip(file);
  }

  /** Token ids, one sample a line: label, then ids; all numbers separated by commas. */
  static Samples tokens(Path csv) {
    return new TokenSamples(csv, SkipPolicy.strict());
  }

  /** Images of a folder and its sub-folders, in the order of their names. */
  static Samples images(Path folder, Preprocessing preprocessing) {
    return images(
        folder, preprocessing, SamplesOptions.defaults().withSkipPolicy(SkipPolicy.strict()));
  }

  /** Images of a folder and its sub-folders, with a choice of label file and skip policy. */
  static Samples images(Path folder, Preprocessing preprocessing, SamplesOptions options) {
    return ImageSamples.ofFolder(folder, preprocessing, options);
  }
}
