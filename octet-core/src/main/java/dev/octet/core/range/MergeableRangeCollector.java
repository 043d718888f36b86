package dev.octet.core.range;

/**
 * A collector whose result depends only on which values were seen, not on their order or on how
 * they were cut into batches: collected in parts and merged equals collected whole, bit for bit.
 */
public sealed interface MergeableRangeCollector extends RangeCollector
    permits MinMaxCollector, HistogramCollector, SampleAverageCollector {

  /**
   * A new collector that has seen what this one and {@code other} have seen; neither changes.
   * Associative and commutative; a collector that saw nothing is neutral.
   *
   * @throws IllegalArgumentException when the two differ in kind, tensor, channels or settings
   */
  MergeableRangeCollector merge(MergeableRangeCollector other);
}
