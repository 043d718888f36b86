/**
 * From real numbers to integers and back: scale, zero point, rounding.
 *
 * <p>Start at {@link dev.octet.core.affine.QuantParams} and {@link dev.octet.core.affine.Affine}.
 * Which range to cover is decided elsewhere ({@code dev.octet.core.range}).
 */
@org.jspecify.annotations.NullMarked
package dev.octet.core.affine;
