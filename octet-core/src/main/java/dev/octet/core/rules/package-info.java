/**
 * Naming nodes and tensors, and saying how they are quantized.
 *
 * <p>Start at {@link dev.octet.core.rules.Rules}. A rule changes settings; the defaults it changes
 * come from a {@code dev.octet.core.recipe.Recipe}.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.core.rules;
