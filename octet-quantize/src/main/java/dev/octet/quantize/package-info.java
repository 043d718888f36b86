/**
 * The post-training pipeline: a float model and samples in, a quantized model and a report out.
 *
 * <p>Start at {@link dev.octet.quantize.PostTraining}. Its steps have a package each: {@code data},
 * {@code calibrate}, {@code adjust}, {@code place}, {@code emit}, {@code evaluate}, {@code report}.
 */
@org.jspecify.annotations.NullMarked
package dev.octet.quantize;
