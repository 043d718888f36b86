package dev.octet.torch.quant;

import static org.bytedeco.pytorch.global.torch.clamp;
import static org.bytedeco.pytorch.global.torch.mul_out;
import static org.bytedeco.pytorch.global.torch.where;

import dev.octet.core.affine.AmaxQuantizer;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * pytorch-quantization's arithmetic, bit for bit: {@link AmaxQuantizer}, with the gradient where
 * {@code |x| <= amax}. Amax broadcasts against the tensor.
 */
final class AmaxFakeQuantizer implements Prepared {
  /** The largest amax that is taken for none. */
  private static final double NONE = 0x1p-24;

  private final boolean unsigned;
  private final boolean integers;
  private final Tensor multiplier;
  private final Tensor scale;
  private final TensorOptional below;
  private final TensorOptional above;
  private final ScalarOptional lo;
  private final ScalarOptional hi;

  /**
   * @param integers whether the integers are wanted, not the values they stand for
   * @throws IllegalArgumentException if an amax is negative or not finite
   */
  AmaxFakeQuantizer(Tensor amax, AmaxQuantizer quantizer, boolean integers) {
    this.unsigned = quantizer.unsigned();
    this.integers = integers;
    try (Scope scope = Scope.open()) {
      Tensor known = amax.detach().to(ScalarType.Float);
      float[] largest = quantizer.scales(Tensors.toFloats(known)); // refuses what is no amax
      Tensor none = known.le(new Scalar(NONE));
      scale = Scope.keep(on(known, Tensors.of(largest, Tensors.shape(known))));
      multiplier = Scope.keep(where(none, new Scalar(0.0), scale));
      above = Scope.keep(new TensorOptional(known));
      below = Scope.keep(new TensorOptional(known.neg()));
      int bound = (1 << (unsigned ? quantizer.bits() : quantizer.bits() - 1)) - 1;
      int first = unsigned ? 0 : quantizer.narrow() ? -bound : -bound - 1;
      lo = Scope.keep(new ScalarOptional(new Scalar((double) first)));
      hi = Scope.keep(new ScalarOptional(new Scalar((double) bound)));
    }
  }

  private static Tensor on(Tensor place, Tensor constant) {
    return constant.to(place.device(), ScalarType.Float);
  }

  /** {@code B / amax}, 1 where there is none, in the shape of amax. */
  Tensor scale() {
    return scale;
  }

  @Override
  public Tensor apply(Tensor x) {
    Tensors.check(x, "the tensor to quantize");
    try (Scope scope = Scope.open()) {
      return scope.give(Floats.widened(x, this::quantize));
    }
  }

  private Tensor quantize(Tensor x) {
    if (x.numel() == 0) {
      return x.alias();
    }
    Tensor plain = x.detach();
    if (unsigned && plain.lt(new Scalar(0.0)).any().item_bool()) {
      throw new IllegalArgumentException(
          Tensors.describe(x)
              + " holds negative values, which unsigned integers cannot; choose signed ones");
    }
    if (!Floats.tracks(x)) {
      return finish(plain.mul(multiplier));
    }
    // Clamp saves its input and lets the gradient pass at both ends, as the original does. Its
    // output's memory takes the values.
    Tensor y = clamp(x, below, above);
    Tensor levels = y.detach();
    mul_out(levels, plain, multiplier);
    finish(levels);
    return y;
  }

  /** In place. What LibTorch's own operations in place give back belongs to their operand. */
  private Tensor finish(Tensor levels) {
    levels.round_().clamp_(lo, hi);
    if (!integers) {
      levels.div_(scale);
    }
    return levels;
  }

  @Override
  public void close() {
    multiplier.close();
    scale.close();
    below.close();
    above.close();
    lo.close();
    hi.close();
  }
}
