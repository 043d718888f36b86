package dev.octet.torch.quant;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Fake-quantizes with given scales and zero points: {@code y = scale · (clamp(rint(x / scale), qmin
 * − zp, qmax − zp))}. The gradient passes where the rounded value was inside the range, which is
 * LibTorch's mask.
 *
 * <p>NaN stays NaN, without a gradient in doubt; infinities go to the ends of the range; a zero may
 * keep its sign. All else agrees bit for bit with ONNX's QuantizeLinear and DequantizeLinear or,
 * with {@link Arithmetic#LIBTORCH_2_10}, with LibTorch's {@code fake_quantize} operators. Those are
 * not used: on a CPU they go element by element. Passes of vector instructions in place, over
 * memory that carries the gradient already, take a fraction of the time.
 *
 * <p>One may be used by several threads at a time. Its owner closes it.
 */
public final class FakeQuantizer implements Prepared {
  private final QuantParams params;
  private final boolean divides;
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
    return blocks.join(spreadFor(blocks).apply(blocks.split()));
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
    private final @Nullable Ends ends;

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
      ends = Ends.of(first, last, params.scales(), divides);
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
      if (!Floats.tracks(x)) {
        return finish(levels(plain));
      }
      Tensor y = ends == null ? null : carried(x, ends);
      if (y != null) {
        return y;
      }
      // The product with the mask carries the gradient, one pass back; then its memory takes the
      // values. Levels become the mask: 1 where clamping left them as they were.
      Tensor levels = levels(plain);
      Tensor clamped = torch.clamp(levels, lo, hi);
      y = x.mul(levels.eq_(clamped));
      torch.mul_out(y.detach(), clamped, scale);
      return y;
    }

    /** In memory that carries the gradient already, or null if what is in there forbids it. */
    private @Nullable Tensor carried(Tensor x, Ends ends) {
      if (ends.clamps() && Tensors.type(x) == ScalarType.Float) {
        Tensor y = torch.hardtanh(x, new Scalar(ends.below()), new Scalar(ends.above()));
        Tensor values = y.detach();
        finish(divided(values));
        // LibTorch lets the gradient of NaN pass.
        return Float.isNaN(values.sum().item_float()) ? null : y;
      }
      Tensor y = x.clone();
      Tensor levels = divided(y.detach());
      T_TensorTensor_T extremes = torch.aminmax(levels);
      boolean all = // false for NaN
          extremes.get0().item_float() >= ends.lo() && extremes.get1().item_float() <= ends.hi();
      if (!all) {
        return null;
      }
      levels.mul_(scale);
      return y;
    }

    private Tensor levels(Tensor x) {
      Tensor levels = divides ? x.div(step) : x.mul(step);
      levels.round_();
      return levels;
    }

    /** Levels, in place. */
    private Tensor divided(Tensor x) {
      if (divides) {
        x.div_(step);
      } else {
        x.mul_(step);
      }
      x.round_();
      return x;
    }

    /** In place. What LibTorch's operations in place give back belongs to their operand. */
    private Tensor finish(Tensor levels) {
      levels.clamp_(lo, hi).mul_(scale);
      return levels;
    }

    void close() {
      step.close();
      scale.close();
      lo.close();
      hi.close();
    }
  }

  /**
   * The first and last level of all channels.
   *
   * @param below the largest float32 below the range of the only scale; NaN where there are several
   * @param above the smallest above it
   */
  private record Ends(float lo, float hi, double below, double above) {
    static @Nullable Ends of(float[] lo, float[] hi, float[] scale, boolean divides) {
      for (int i = 1; i < scale.length; i++) {
        if (lo[i] != lo[0] || hi[i] != hi[0]) {
          return null;
        }
      }
      if (scale.length > 1) {
        return new Ends(lo[0], hi[0], Double.NaN, Double.NaN);
      }
      float below = Math.nextDown(smallest(lo[0], scale[0], divides));
      return new Ends(lo[0], hi[0], below, smallest(hi[0] + 1, scale[0], divides));
    }

    /** Whether clamping to these two bounds keeps what the range keeps. */
    boolean clamps() {
      return !Double.isNaN(below);
    }

    /** The smallest float32 that is rounded to a level or beyond. */
    private static float smallest(float level, float scale, boolean divides) {
      float inverse = 1 / scale;
      long low = ordinal(Float.NEGATIVE_INFINITY);
      long high = ordinal(Float.POSITIVE_INFINITY);
      while (high - low > 1) {
        long middle = (low + high) >> 1;
        float x = ofOrdinal(middle);
        if (Math.rint(divides ? x / scale : x * inverse) >= level) {
          high = middle;
        } else {
          low = middle;
        }
      }
      return ofOrdinal(high);
    }

    /** Floats in order, as integers in order. */
    private static long ordinal(float x) {
      int bits = Float.floatToIntBits(x);
      return bits < 0 ? Integer.MIN_VALUE - (long) bits : bits;
    }

    private static float ofOrdinal(long ordinal) {
      return Float.intBitsToFloat((int) (ordinal < 0 ? Integer.MIN_VALUE - ordinal : ordinal));
    }
  }
}
