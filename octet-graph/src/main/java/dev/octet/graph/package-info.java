/**
 * A model as a graph, in memory: ONNX's operators, linked as objects.
 *
 * <p>Start at {@link dev.octet.graph.Model} and its {@link dev.octet.graph.Graph}. {@link
 * dev.octet.graph.Node}s read and write {@link dev.octet.graph.Value}s; weights are immutable
 * {@link dev.octet.graph.Tensor}s. All change goes through {@code Graph}, which keeps the links in
 * both directions true. Files are the business of {@code dev.octet.graph.onnx}; rewrites live in
 * {@code dev.octet.graph.pass}.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.graph;
