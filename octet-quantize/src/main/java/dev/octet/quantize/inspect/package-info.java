/**
 * What can be said of a model without running it: what in it is quantized, or would be, and what is
 * not, and why.
 *
 * <p>Start at {@link dev.octet.quantize.inspect.Inspection}. Nothing here changes a model.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize.inspect;
