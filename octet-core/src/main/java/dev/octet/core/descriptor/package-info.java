/**
 * How one tensor is to be quantized, as data: bits, sign, symmetry, granularity, range method.
 *
 * <p>Start at {@link dev.octet.core.descriptor.Granularity}. Descriptors hold no ranges that were
 * learned and do no arithmetic: see {@code dev.octet.core.range} and {@code dev.octet.core.affine}.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.core.descriptor;
