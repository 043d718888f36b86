package dev.octet.quantize.data;

import java.util.function.Consumer;

/**
 * What happens to samples that cannot be read.
 *
 * @param limit how many may be skipped in one pass; one more is an error that lists the first ones
 * @param listener told about each skipped sample, in words, as it is skipped; a second pass over
 *     the samples tells it again
 */
public record SkipPolicy(int limit, Consumer<String> listener) {

  /** The default limit. */
  public static final int DEFAULT_LIMIT = 10;

  public SkipPolicy {
    if (limit < 0) {
      throw new IllegalArgumentException("skip limit is " + limit + "; choose 0 or more");
    }
  }

  /** Skips up to {@value #DEFAULT_LIMIT} samples in a pass, and tells the listener of each. */
  public static SkipPolicy reportingTo(Consumer<String> listener) {
    return new SkipPolicy(DEFAULT_LIMIT, listener);
  }

  /** Skips nothing: the first unreadable sample is an error. */
  public static SkipPolicy strict() {
    return new SkipPolicy(0, message -> {});
  }
}
