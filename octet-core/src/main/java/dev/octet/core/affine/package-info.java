/**
 * From real numbers to integers and back: scale, zero point, rounding.
 *
 * <p>Start at {@link dev.octet.core.affine.QuantParams} and {@link dev.octet.core.affine.Affine};
 * {@link dev.octet.core.affine.Arithmetic} says whose rounding they follow. {@link
 * dev.octet.core.affine.AmaxQuantizer} and {@link dev.octet.core.affine.DistillerLinear} are the
 * two systems whose scale multiplies. All of them run through one formula ({@code Formula}) and one
 * rounding ({@code Rounding}). Which range to cover is decided elsewhere ({@code
 * dev.octet.core.range}).
 */
@org.jspecify.annotations.NullMarked
package dev.octet.core.affine;
