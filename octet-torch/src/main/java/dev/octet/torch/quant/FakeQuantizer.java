package dev.octet.torch.quant;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
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
 * not used: on a CPU they go element by element, and passes of vector instructions over the same
 * memory were faster in the trials that this follows.
 *
 * <p>One may be used by several threads at a time. Its owner closes it.
 */
public final class FakeQuantizer implements Prepared {
  private final QuantParams params;
  private final boolean divides;
  private final @Nullable Whole whole;
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
    whole = params.count() == 1 ? new Whole(params, divides) : null;
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
    Whole single = whole;
    if (single != null) {
      return single.apply(x);
    }
    Blocks blocks = Blocks.of(x, params.granularity());
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
    if (whole != null) {
      whole.close();
    }
    Spread made = spread;
    if (made != null) {
      made.close();
    }
  }

  /** Constants of one scale for the whole tensor: numbers, wherever the tensor lives. */
  private static final class Whole {
    private final boolean divides;
    private final Scalar step;
    private final Scalar scale;
    private final Scalar below;
    private final Scalar above;
    private final ScalarOptional lo;
    private final ScalarOptional hi;

    Whole(QuantParams params, boolean divides) {
      this.divides = divides;
      float exact = params.scale(0);
      float inverse = 1 / exact;
      int first = params.qmin() - params.zeroPoint(0);
      int last = params.qmax() - params.zeroPoint(0);
      DoubleUnaryOperator level =
          divides
              ? x -> Math.rint((float) x / exact) // in float32, as the tensor is
              : x -> Math.rint((float) x * inverse);
      step = Scope.keep(new Scalar((double) (divides ? exact : inverse)));
      scale = Scope.keep(new Scalar((double) exact));
      below = Scope.keep(new Scalar((double) -firstAbove(x -> -level.applyAsDouble(-x), -first)));
      above = Scope.keep(new Scalar((double) firstAbove(level, last)));
      lo = optional(first);
      hi = optional(last);
    }

    private static ScalarOptional optional(int value) {
      try (Scope scope = Scope.open()) {
        return Scope.keep(new ScalarOptional(new Scalar((double) value)));
      }
    }

    /** The smallest float whose level is above {@code last}; levels never decrease. */
    private static float firstAbove(DoubleUnaryOperator level, int last) {
      float low = Float.NEGATIVE_INFINITY;
      float high = Float.POSITIVE_INFINITY;
      // Bisection over the ordered bit patterns of floats: 32 steps.
      long from = order(low);
      long to = order(high);
      while (to - from > 1) {
        long middle = (from + to) >> 1;
        if (level.applyAsDouble(unorder(middle)) > last) {
          to = middle;
        } else {
          from = middle;
        }
      }
      return unorder(to);
    }

    private static long order(float x) {
      int bits = Float.floatToRawIntBits(x);
      return bits < 0 ? -(long) (bits & Integer.MAX_VALUE) : bits;
    }

    private static float unorder(long rank) {
      return rank < 0
          ? Float.intBitsToFloat((int) -rank | Integer.MIN_VALUE)
          : Float.intBitsToFloat((int) rank);
    }

    Tensor apply(Tensor x) {
      if (!Floats.tracks(x)) {
        return round(divides ? x.div(step) : x.mul(step));
      }
      if (Tensors.type(x) == ScalarType.Double) {
        // The bounds of hardtanh are exact for float32 only.
        return masked(x);
      }
      // Hardtanh saves its input and not its output, and its backward is one pass. So it carries
      // the gradient, and its output's memory takes the values.
      Tensor y = torch.hardtanh(x, below, above);
      Tensor values = y.detach();
      if (divides) {
        values.div_(step);
      } else {
        values.mul_(step);
      }
      round(values);
      return y;
    }

    /** In place. What LibTorch's own operations in place give back belongs to their operand. */
    private Tensor round(Tensor levels) {
      levels.round_().clamp_(lo, hi).mul_(scale);
      return levels;
    }

    private Tensor masked(Tensor x) {
      Tensor levels = divides ? x.detach().div(step) : x.detach().mul(step);
      levels.round_();
      Tensor clamped = torch.clamp(levels, lo, hi);
      Tensor y = x.mul(levels.eq_(clamped));
      y.detach().copy_(clamped.mul_(scale));
      return y;
    }

    void close() {
      step.close();
      scale.close();
      below.close();
      above.close();
      lo.close();
      hi.close();
    }
  }

  /** Constants of many scales, as tensors that broadcast against the one to quantize. */
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
