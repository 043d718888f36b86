/**
 * The referee: ONNX operators computed slowly and plainly, for comparison with what is fast.
 *
 * <p>Start at {@link dev.octet.engine.reference.Reference}, which runs a model node by node; {@link
 * dev.octet.engine.reference.OrtReference} runs the same model in ONNX Runtime, and {@link
 * dev.octet.engine.reference.RandomModels} makes models to run. Whole numbers are exact; operators
 * on floats compute in double and round once, at the end of a node.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.engine.reference;
