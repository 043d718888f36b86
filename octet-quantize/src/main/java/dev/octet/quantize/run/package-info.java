/**
 * Running a graph on named tensors and watching what flows through it.
 *
 * <p>Start at {@link dev.octet.quantize.run.GraphRunner}. The one implementation here is ONNX
 * Runtime's; nothing outside this package sees its classes.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize.run;
