/**
 * What a model's outputs are worth: against labels, and against those of the float model.
 *
 * <p>Start at {@link dev.octet.quantize.metric.Metric}, which a user can write one of; {@link
 * dev.octet.quantize.metric.Difference} is the sums behind SQNR and cosine, for any pair of
 * tensors. Nothing here runs a model or keeps outputs.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize.metric;
