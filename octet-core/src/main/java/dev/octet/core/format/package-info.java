/**
 * Number formats of few bits: which values their codes stand for and how codes lie in bytes.
 *
 * <p>Integers: {@link dev.octet.core.format.Int4}, {@link dev.octet.core.format.Int2}. Floats:
 * {@link dev.octet.core.format.Float8}, {@link dev.octet.core.format.Float16}, {@link
 * dev.octet.core.format.BFloat16}. What an integer means in real numbers is the next room, {@code
 * dev.octet.core.affine}.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.core.format;
