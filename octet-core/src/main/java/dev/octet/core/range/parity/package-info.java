/**
 * Calibrators and observers that give the numbers of pytorch-quantization and of PyTorch, for
 * people who move from there or compare with it.
 *
 * <p>Their results depend on the order of the batches, so they do not merge and are no {@link
 * dev.octet.core.range.RangeCollector}: use those for new work. What is reproduced, and where a
 * defect is not, is said on each type; golden vectors hold each to it.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.core.range.parity;
