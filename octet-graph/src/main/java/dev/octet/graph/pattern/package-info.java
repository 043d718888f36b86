/**
 * Groups of nodes that mean one thing together: a layer with its activation, a normalization, a
 * GELU, an attention.
 *
 * <p>Start at {@link dev.octet.graph.pattern.Patterns}; a {@link dev.octet.graph.pattern.Unit} is
 * what is found. Placement of quantizers reads them, since a runtime fuses some groups and others
 * must stay in float as a whole. Nothing here changes a graph.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.graph.pattern;
