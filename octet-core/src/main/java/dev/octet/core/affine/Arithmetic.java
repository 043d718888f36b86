package dev.octet.core.affine;

/**
 * Whose floating-point steps are followed from a real number to an integer and back, where systems
 * differ in their last bit. All compute in float32 and round half to even; {@code s} is the scale,
 * {@code z} the zero point and {@code inv} the float32 quotient 1 / s.
 *
 * <p>Infinities go to the ends of the integer range in all of them. NaN is not a number that an
 * integer can stand for; what each system makes of it is given below and kept.
 */
public enum Arithmetic {
  /**
   * ONNX, ONNX Runtime, TensorRT: {@code q = clamp(rint(x / s) + z)}, {@code x' = (q − z) · s}. NaN
   * becomes the smallest integer. The default.
   */
  ONNX,

  /**
   * NVIDIA pytorch-quantization: {@code q = clamp(rint(x · inv))}, {@code x' = q / inv}; zero
   * points are 0. NaN stays NaN, and the sign of a zero is kept; as an integer NaN becomes the
   * smallest. The original computes its multiplier from amax, which can differ from inv in the last
   * bit: see {@link AmaxQuantizer}.
   */
  PYTORCH_QUANTIZATION,

  /**
   * LibTorch up to 2.10: {@code q = clamp(z + rint(x · inv))}, {@code x' = (q − z) · s}. NaN
   * becomes the largest integer when quantizing (what x86 builds do) and the smallest when
   * fake-quantizing.
   */
  LIBTORCH_2_10,

  /**
   * LibTorch 2.13: {@code q = clamp(rint(z + x · inv))} when quantizing, which differs from 2.10
   * where {@code x · inv} is a tie and z is odd; fake-quantizing as 2.10. NaN as 2.10.
   */
  LIBTORCH_2_13,

  /**
   * Intel Distiller: {@code q = clamp(rint(inv · x + z))}, {@code x' = (q − z) / inv}. NaN stays
   * NaN; as an integer it becomes the smallest. The original computes its multiplier from the
   * range, which can differ from inv in the last bit: see {@link DistillerLinear}.
   */
  DISTILLER
}
