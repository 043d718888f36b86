package dev.octet.torch.data;

import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.Sample;
import dev.octet.quantize.data.SampleIterator;
import dev.octet.quantize.data.Samples;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Labelled samples in any order. Implementations give the same example for an index whenever asked,
 * and are safe for use by several threads.
 */
public interface Dataset {

  /** How many there are; at least 1. */
  int size();

  /**
   * One of them.
   *
   * @param index from 0
   * @throws DataException if it cannot be read
   */
  Example get(int index);

  /** The right class of one of them, from 0, without decoding it. */
  int label(int index);

  /** What these are, in words, for reports. */
  String description();

  /**
   * The samples at these places, in this order; places may repeat.
   *
   * @throws IllegalArgumentException if there are none or one is out of range
   */
  default Dataset subset(int... indices) {
    return new Subset(this, indices.clone(), indices.length + " samples of " + description());
  }

  /**
   * The samples from {@code from} up to but without {@code to}.
   *
   * @throws IllegalArgumentException if there are none or one is out of range
   */
  default Dataset range(int from, int to) {
    if (from < 0 || from >= to || to > size()) {
      throw new IllegalArgumentException(
          "range is " + from + " to " + to + "; choose one or more of " + size() + " samples");
    }
    return new Subset(
        this,
        IntStream.range(from, to).toArray(),
        "samples " + from + " to " + (to - 1) + " of " + description());
  }

  /** All samples in a random order that depends on the seed alone. */
  default Dataset shuffled(long seed) {
    return new Subset(
        this, Randomness.of(seed, Randomness.SPLIT, 0).permutation(size()), description());
  }

  /**
   * Two parts of all samples, drawn at random by the seed alone: together all, none in both.
   *
   * @param share the first part's share, rounded to whole samples
   * @throws IllegalArgumentException if a part would be empty
   */
  default Split split(double share, long seed) {
    int first = (int) Math.rint(share * size());
    if (!(share > 0 && share < 1) || first < 1 || first >= size()) {
      throw new IllegalArgumentException(
          "share is " + share + " of " + size() + " samples; leave one or more on either side");
    }
    Dataset mixed = shuffled(seed);
    return new Split(mixed.range(0, first), mixed.range(first, size()));
  }

  /** Two parts of a set. */
  record Split(Dataset first, Dataset second) {}

  /** {@link #of(Samples, long)} with room for a quarter of the heap, and 1 GiB at most. */
  static Dataset of(Samples samples) {
    return of(samples, Math.min(1L << 30, Runtime.getRuntime().maxMemory() / 4));
  }

  /**
   * Samples as a data set. Arrays, token ids, CIFAR-10 and MNIST are read into memory by this call;
   * the images of a folder are decoded when asked for, and kept, resized, while there is room.
   *
   * @param samples of which each has a label
   * @param cacheBytes how many bytes of decoded and resized images to keep; 0 or more
   * @throws DataException if a file cannot be read, there is no sample, or one has no label
   */
  static Dataset of(Samples samples, long cacheBytes) {
    if (cacheBytes < 0) {
      throw new IllegalArgumentException("cache is " + cacheBytes + " bytes; choose 0 or more");
    }
    return samples
        .pictures()
        .<Dataset>map(pictures -> new PictureDataset(pictures, samples.description(), cacheBytes))
        .orElseGet(
            () -> {
              List<Example> all = new ArrayList<>();
              try (SampleIterator pass = samples.iterator()) {
                while (pass.hasNext()) {
                  Sample sample = pass.next();
                  all.add(new Example.Values(sample));
                }
              }
              return new ExampleList(all, samples.description());
            });
  }

  /**
   * Examples in memory.
   *
   * @throws DataException if there are none
   */
  static Dataset of(List<Example> examples) {
    return new ExampleList(examples, examples.size() + " examples in memory");
  }

  /** The same. */
  static Dataset of(Example... examples) {
    return of(Arrays.asList(examples));
  }
}
