/**
 * What can be known of a value's element type and dimensions without running the model.
 *
 * <p>Start at {@link dev.octet.graph.shape.Shapes}. What the model declares comes first; the rest
 * follows operator by operator. Nothing here changes a graph.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.graph.shape;
