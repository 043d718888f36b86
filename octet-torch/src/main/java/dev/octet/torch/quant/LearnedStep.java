package dev.octet.torch.quant;

import static org.bytedeco.pytorch.global.torch.addcmul;
import static org.bytedeco.pytorch.global.torch.clamp;
import static org.bytedeco.pytorch.global.torch.mul_out;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.torch.Scope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Fake quantization whose scale {@code s} (LSQ, arXiv 1902.08153) and zero point {@code z} (LSQ+,
 * arXiv 2004.09576) get gradients. With {@code v = x / s}, {@code c = clamp(rint(v), qmin − z, qmax
 * − z)} and {@code y = s · c}:
 *
 * <pre>
 * dy/dx = 1 inside, 0 outside      dy/ds = c − v inside, c outside      dy/dz = 0 inside, −s outside
 * </pre>
 *
 * times {@code g = 1 / sqrt(n · qmax)} for s and z, where n elements share them. Inside is where
 * the rounded value was in the range.
 */
final class LearnedStep {
  private LearnedStep() {}

  /** The smallest scale that training may reach; PyTorch's. */
  static final double SMALLEST = 0x1p-23;

  static Tensor apply(
      Tensor x, Tensor scale, @Nullable Tensor zeroPoint, QuantDescriptor descriptor) {
    try (Scope scope = Scope.open()) {
      Tensor y = Floats.widened(x, wide -> quantize(wide, scale, zeroPoint, descriptor));
      return scope.give(y);
    }
  }

  private static Tensor quantize(
      Tensor x, Tensor scale, @Nullable Tensor zeroPoint, QuantDescriptor descriptor) {
    if (x.numel() == 0) {
      return x.alias();
    }
    Blocks blocks = Blocks.of(x, descriptor.granularity());
    int count = Math.toIntExact(scale.numel());
    long[] shape = count == 1 ? new long[0] : blocks.scalesShape(count);
    Tensor split = count == 1 ? x : blocks.split();
    double factor = 1 / Math.sqrt((double) x.numel() / count * descriptor.qmax());
    Tensor s = scaled(scale.reshape(shape), factor);
    Tensor z = zeroPoint == null ? null : scaled(zeroPoint.reshape(shape), factor);
    Tensor y = round(split, s, z, descriptor);
    return count == 1 ? y : blocks.join(y);
  }

  private static Tensor round(Tensor x, Tensor s, @Nullable Tensor z, QuantDescriptor descriptor) {
    Tensor plain = s.detach();
    Tensor lo = torch.full_like(plain, new Scalar((double) descriptor.qmin()));
    Tensor hi = torch.full_like(plain, new Scalar((double) descriptor.qmax()));
    if (z != null) {
      Tensor zero = z.detach().round();
      lo = lo.sub(zero, new Scalar(1));
      hi = hi.sub(zero, new Scalar(1));
    }
    Tensor v = x.detach().div(plain);
    Tensor mask = v.round();
    Tensor c = clamp(mask, FakeQuantize.optional(lo), FakeQuantize.optional(hi));
    mask.eq_(c);
    Tensor y = addcmul(x.mul(mask), s, addcmul(c, mask, v, new Scalar(-1.0)));
    if (z != null) {
      y = addcmul(y, z, outside(mask, plain));
    }
    // So far y is right but for rounding, and carries the gradients; nobody saved its memory.
    mul_out(y.detach(), c, plain);
    return y;
  }

  private static Tensor outside(Tensor mask, Tensor scale) {
    return mask.sub(new Scalar(1.0), new Scalar(1)).mul_(scale);
  }

  /** The same value, whose gradient is multiplied by a factor. */
  private static Tensor scaled(Tensor parameter, double factor) {
    Tensor same = parameter.mul(new Scalar(factor));
    same.detach().copy_(parameter.detach());
    return same;
  }
}
