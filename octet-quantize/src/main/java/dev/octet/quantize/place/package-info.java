/**
 * Deciding which tensors of a graph become integers, which stay float, and why.
 *
 * <p>Start at {@link dev.octet.quantize.place.Placer}; a {@link dev.octet.quantize.place.Placement}
 * is what comes out. It says nothing of ranges (see {@code dev.octet.quantize.calibrate}) and
 * changes no graph (see {@code dev.octet.quantize.emit}).
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize.place;
