/**
 * ONNX files, read with suspicion and written without accidents.
 *
 * <p>Start at {@link dev.octet.graph.onnx.OnnxReader} and {@link dev.octet.graph.onnx.OnnxWriter}.
 * What a file says and Octet does not understand is kept as it was, so that a read followed by a
 * write changes nothing a runtime sees. {@link dev.octet.graph.onnx.ReadLimits} bounds what a file
 * may ask for. The generated protobuf classes are used here and nowhere else.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.graph.onnx;
