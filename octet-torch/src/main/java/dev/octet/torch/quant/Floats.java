package dev.octet.torch.quant;

import dev.octet.torch.Tensors;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The element types that quantizers take, and in which they compute. */
final class Floats {
  private Floats() {}

  /**
   * Computes in float32 where the type is narrower and in the type itself otherwise; the result has
   * the type of {@code x}. Small types are cast back after dequantization, so that no scale is ever
   * held in 16 bits.
   */
  static Tensor widened(Tensor x, UnaryOperator<Tensor> compute) {
    ScalarType type = Tensors.type(x);
    return switch (type) {
      case Float, Double -> compute.apply(x);
      case Half, BFloat16 -> compute.apply(x.to(ScalarType.Float)).to(type);
      default ->
          throw new IllegalArgumentException(
              Tensors.describe(x)
                  + " cannot be quantized; give Float, Double, Half or BFloat16 values");
    };
  }

  /** Whether a gradient will be asked of what is computed from {@code x}. */
  static boolean tracks(Tensor x) {
    return x.requires_grad() && GradMode.is_enabled();
  }
}
