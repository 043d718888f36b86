/**
 * Computing at once what depends on constants alone.
 *
 * <p>Start at {@link dev.octet.graph.fold.Evaluator}; the pass that uses it is {@code
 * dev.octet.graph.pass.ConstantFolding}. The kernels here are for shapes, indices and small tables,
 * written to be read; they give the bits that ONNX asks for or refuse. They are no engine.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.graph.fold;
