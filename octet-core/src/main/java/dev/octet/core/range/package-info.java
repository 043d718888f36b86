/**
 * The interval of values a tensor takes, learned one batch at a time.
 *
 * <p>{@link dev.octet.core.range.Range} is what comes out. Turning a range into a scale is the next
 * room, {@code dev.octet.core.affine}. Nothing here knows of graphs, files or threads.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.core.range;
