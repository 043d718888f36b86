package dev.octet.torch.quant;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Fake-quantizes with given scales and zero points: {@code y = scale · (clamp(rint(x / scale), qmin
 * − zp, qmax − zp))}. The gradient passes where the rounded value was inside the range, which is
 * LibTorch's mask.
 *
 * <p>NaN stays NaN, without a gradient in doubt; infinities go to the ends of the range; a zero may
 * keep its sign. All else agrees bit for bit with ONNX's QuantizeLinear and DequantizeLinear or,
 * with {@link Arithmetic#LIBTORCH_2_10}, with LibTorch's {@code fake_quantize} operators. Those are
 * not used: on a CPU they go element by element. Float32 in the processor's memory is rounded by
 * {@link CachedRounding}, all else by LibTorch's vector instructions, pass by pass.
 *
 * <p>One may be used by several threads at a time. Its owner closes it.
 */
public final class FakeQuantizer implements Prepared {
  private final QuantParams params;
  private final boolean divides;
  private final CachedRounding cached;
  private volatile @Nullable Spread spread;

  private FakeQuantizer(QuantParams params, Arithmetic arithmetic) {
    this.params = params;
    divides =
        switch (arithmetic) {
          case ONNX -> true;
          case LIBTORCH_2_10, LIBTORCH_2_13 -> false;
          default ->
              throw new IllegalArgumentException(
                  arithmetic + " does not follow scales and zero points; choose ONNX or LIBTORCH");
        };
    cached = new CachedRounding(params, divides);
  }

  /** A quantizer as ONNX computes. */
  public static FakeQuantizer of(QuantParams params) {
    return of(params, Arithmetic.ONNX);
  }

  /**
   * A quantizer.
   *
   * @param arithmetic {@code ONNX}, which divides by the scale, or one of {@code LIBTORCH}, which
   *     multiplies by its reciprocal
   */
  public static FakeQuantizer of(QuantParams params, Arithmetic arithmetic) {
    return new FakeQuantizer(params, arithmetic);
  }

  /** The scales and zero points. */
  public QuantParams params() {
    return params;
  }

  /**
   * What is left of {@code x} after quantizing and dequantizing.
   *
   * @param x float of any width, of any shape that fits the granularity; 16 bits are computed in 32
   * @return the same shape and type
   * @throws IllegalArgumentException if the shape does not have as many scales
   */
  @Override
  public Tensor apply(Tensor x) {
    Tensors.check(x, "the tensor to quantize");
    try (Scope scope = Scope.open()) {
      Tensor y = Floats.widened(x, this::quantize);
      return scope.give(y);
    }
  }

  private Tensor quantize(Tensor x) {
    if (x.numel() == 0) {
      return x.alias();
    }
    // One scale is everybody's, whatever the descriptor keeps apart.
    boolean shared = params.count() == 1;
    Blocks blocks = Blocks.of(x, shared ? new Granularity.PerTensor() : params.granularity());
    long[] scales = blocks.scalesShape(params.count());
    Tensor split = blocks.split();
    long run = cached.run(split, scales);
    return blocks.join(run > 0 ? cached.apply(split, run) : spreadFor(blocks).apply(split));
  }

  private Spread spreadFor(Blocks blocks) {
    Spread made = spread;
    if (made != null && made.fits(blocks)) {
      return made;
    }
    synchronized (this) {
      made = spread;
      if (made == null || !made.fits(blocks)) {
        // Another thread may be computing with the old one: its memory goes when nobody refers to
        // it.
        made = new Spread(params, blocks, divides);
        spread = made;
      }
      return made;
    }
  }

  @Override
  public void close() {
    Spread made = spread;
    if (made != null) {
      made.close();
    }
  }

  /** LibTorch's passes: constants as tensors that broadcast against the one to quantize. */
  private static final class Spread {
    private final boolean divides;
    private final long[] shape;
    private final torch.DeviceType device;
    private final Tensor step;
    private final Tensor scale;
    private final TensorOptional lo;
    private final TensorOptional hi;

    Spread(QuantParams params, Blocks blocks, boolean divides) {
      this.divides = divides;
      shape = blocks.scalesShape(params.count());
      device = blocks.deviceType();
      float[] first = new float[params.count()];
      float[] last = new float[params.count()];
      for (int i = 0; i < first.length; i++) {
        first[i] = params.qmin() - params.zeroPoint(i);
        last[i] = params.qmax() - params.zeroPoint(i);
      }
      try (Scope scope = Scope.open()) {
        scale = Scope.keep(blocks.like(Tensors.of(params.scales(), shape)));
        step = divides ? Scope.keep(scale.alias()) : Scope.keep(scale.reciprocal());
        lo = Scope.keep(new TensorOptional(blocks.like(Tensors.of(first, shape))));
        hi = Scope.keep(new TensorOptional(blocks.like(Tensors.of(last, shape))));
      }
    }

    boolean fits(Blocks blocks) {
      return Arrays.equals(shape, blocks.scalesShape(-1)) && device == blocks.deviceType();
    }

    Tensor apply(Tensor x) {
      Tensor plain = x.detach();
      Tensor levels = divides ? plain.div(step) : plain.mul(step);
      levels.round_();
      if (!Floats.tracks(x)) {
        levels.clamp_(lo, hi).mul_(scale);
        return levels;
      }
      // The product with the mask carries the gradient, one pass back; then its memory takes the
      // values. Levels become the mask: 1 where clamping left them as they were.
      Tensor clamped = torch.clamp(levels, lo, hi);
      Tensor y = x.mul(levels.eq_(clamped));
      torch.mul_out(y.detach(), clamped, scale);
      return y;
    }

    void close() {
      step.close();
      scale.close();
      lo.close();
      hi.close();
    }
  }
}
