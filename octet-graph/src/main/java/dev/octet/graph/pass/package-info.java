/**
 * Changes to a graph that leave what it computes as it was.
 *
 * <p>Start at {@link dev.octet.graph.pass.Passes} for the ready-made list and {@link
 * dev.octet.graph.pass.Rewrites} to run passes of your own. A {@link dev.octet.graph.pass.Rewrite}
 * looks at one node before it changes anything; a {@link dev.octet.graph.pass.Sweep} looks at a
 * whole graph. Every pass keeps the names of inputs and outputs, and says why it left something
 * alone. Quantization itself is not here: it changes what a graph computes.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.graph.pass;
