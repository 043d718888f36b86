/**
 * Moving a model to a newer version of ONNX's operator set.
 *
 * <p>Start at {@link dev.octet.graph.opset.OpsetRaise}. Quantized models need newer operators than
 * the models they are made from: per-channel QuantizeLinear came with opset 13, 4-bit and 16-bit
 * types with 21. Only ONNX's own domain is moved, and only upwards.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.graph.opset;
