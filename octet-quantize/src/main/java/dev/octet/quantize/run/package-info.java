/**
 * Running a graph on named tensors and watching what flows through it.
 *
 * <p>Start at {@link dev.octet.quantize.run.GraphRunner} and {@link dev.octet.quantize.run.Runner}.
 * The implementations are Octet's engine and ONNX Runtime; nothing outside this package sees the
 * classes of the latter.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize.run;
