package dev.octet.quantize.place;

import dev.octet.core.recipe.Target;

/**
 * What a runtime wants of a quantized graph, as far as placement depends on it.
 *
 * @param unsignedActivations whether activations may be unsigned with a zero point; otherwise they
 *     are signed and symmetric
 * @param integerBias whether biases are stored as int32 behind a DequantizeLinear
 * @param quantizedConvolutionOutput whether a convolution must hand on integers to run in integers
 * @param floatResidualBranch whether a residual Add reads the branch of the convolution before it
 *     in float, so that the two run as one kernel
 * @param blockedRecurrentWeights whether recurrent weights may have scales in blocks, which needs
 *     operator set 21
 */
public record TargetTraits(
    boolean unsignedActivations,
    boolean integerBias,
    boolean quantizedConvolutionOutput,
    boolean floatResidualBranch,
    boolean blockedRecurrentWeights) {

  /** The traits of {@code target}. */
  public static TargetTraits of(Target target) {
    return switch (target) {
      case ONNXRUNTIME -> new TargetTraits(true, true, true, false, true);
      // Explicit quantization takes symmetric int8 alone, fuses Conv + Add and keeps biases float.
      case TENSORRT -> new TargetTraits(false, false, false, true, false);
      case OPENVINO -> new TargetTraits(true, false, false, false, false);
      case OCTET -> new TargetTraits(true, true, false, true, true);
    };
  }
}
