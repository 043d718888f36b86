package dev.octet.engine.plan;

import dev.octet.graph.Node;

/**
 * Turns the nodes of one family of operators into steps. Holds no state; thread-safe.
 *
 * <p>Nodes come in topological order. When {@link #lower} is called, every input of the node is
 * known to {@link Compilation#operand}, with its type and its fixed dimensions; a node all of whose
 * inputs are constants that {@code graph.fold.Evaluator} can compute never comes here. The lowering
 * must say, through one of {@code define}'s forms, what each output that is read is: the compiler
 * checks that it did. It does so by
 *
 * <ul>
 *   <li>emitting steps: {@link Compilation#primitive} for a primitive of oneDNN, {@link
 *       Compilation#kernel} for a short computation in Java, each over {@link Stored} tensors that
 *       come from {@link Compilation#stored} (inputs) or {@link Compilation#allocate} (results); or
 *   <li>a view that costs nothing: another operand's memory under other dimensions ({@link
 *       Compilation#defineView}), or reals held as integers ({@link Operand#dequantized}).
 * </ul>
 *
 * <p><b>Integers.</b> An input whose {@link Operand#quantization} is not null is a float tensor
 * that lies in memory as {@link Operand#integers}. A lowering that can compute with the integers
 * reads those; one that cannot just asks for the floats with {@link Compilation#stored}, and the
 * compiler inserts the conversion. An operator that only moves or compares elements works on the
 * integers and defines its output as {@code Operand.dequantized(result, quantization)}. To write
 * integers, ask {@link Compilation#target} what the one reader of the output wants; where that is a
 * QuantizeLinear, write its integers and define its output. What is not taken up is done by a
 * conversion afterwards, so ignoring all this is correct, only slower.
 *
 * <p><b>Fusion.</b> A lowering may do the work of nodes that follow, if nobody else reads what lies
 * between: {@link Compilation#onlyReader} finds them, {@link Compilation#claim} takes them.
 *
 * <p><b>Layouts and memory.</b> Give {@link dev.octet.engine.dnnl.Layout#any} to a primitive and
 * ask it for the layout it chose, or keep the layout of the input. Every {@link Stored} lives from
 * the step that writes it to the last that reads it; scratch memory of primitives is added by the
 * compiler, that of kernels is allocated as a tensor that the kernel both reads and writes.
 * Constants that a primitive wants packed come from {@link Compilation#packed}, which keeps them
 * for all shapes. A result may be written over an input where {@link Compilation#overwritable} says
 * so.
 */
@FunctionalInterface
public interface Lowering {
  /**
   * Emits the steps of {@code node}.
   *
   * @throws UnsupportedNodeException if this node, with these types, shapes and attributes, cannot
   *     be run; nothing may have been emitted for it
   */
  void lower(Node node, Compilation to);
}
