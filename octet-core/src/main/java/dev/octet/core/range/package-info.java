/**
 * The interval of values a tensor takes, learned one batch at a time.
 *
 * <p>Start at {@link dev.octet.core.range.RangeCollectors}, which makes a {@link
 * dev.octet.core.range.RangeCollector} for a tensor; {@link dev.octet.core.range.Range} is what
 * comes out. Weights, which are at hand as a whole, go through {@link
 * dev.octet.core.range.WeightRanges}. Turning a range into a scale is the next room, {@code
 * dev.octet.core.affine}. Nothing here knows of graphs, files or threads.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.core.range;
