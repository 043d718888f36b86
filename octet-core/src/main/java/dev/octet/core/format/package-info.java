/**
 * Number formats of few bits: how their codes are laid out in bytes.
 *
 * <p>Start at {@link dev.octet.core.format.Int4}.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.core.format;
