/**
 * Running models on samples to say how good they are, and how far one is from another.
 *
 * <p>Start at {@link dev.octet.quantize.evaluate.Evaluation}. Figures are the business of {@code
 * dev.octet.quantize.metric}.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize.evaluate;
