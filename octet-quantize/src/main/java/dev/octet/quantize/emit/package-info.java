/**
 * Writing decisions into a graph: integers in place of weights, QuantizeLinear and DequantizeLinear
 * around values.
 *
 * <p>Start at {@link dev.octet.quantize.emit.QdqEmitter}, which carries out a placement; the other
 * forms (dynamic, weight-only, QOperator, float16) have a class each. Nothing here decides what to
 * quantize or measures a range.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize.emit;
