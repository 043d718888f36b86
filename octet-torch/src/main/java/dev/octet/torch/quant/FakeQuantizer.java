package dev.octet.torch.quant;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptionalList;
import org.bytedeco.pytorch.TensorVector;
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
 * not used: they go element by element, while passes of vector instructions over the same memory
 * take an eighth of their time (64 channels of 32 × 32, batch 32, one thread: 1.7 ms against 13.7
 * forward, 1.0 against 3.5 backward).
 *
 * <p>One may be used by several threads at a time. Its owner closes it.
 */
public final class FakeQuantizer implements Prepared {
  private final QuantParams params;
  private final boolean divides;
  private volatile @Nullable Levels known;

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
    if (params.count() == 1) {
      return levels(null).apply(x);
    }
    Blocks blocks = Blocks.of(x, params.granularity());
    return blocks.join(levels(blocks).apply(blocks.split()));
  }

  private Levels levels(@Nullable Blocks blocks) {
    Levels made = known;
    if (made != null && made.fits(blocks)) {
      return made;
    }
    synchronized (this) {
      made = known;
      if (made == null || !made.fits(blocks)) {
        // Another thread may be computing with the old one: its memory goes when nobody refers to
        // it.
        made = new Levels(params, blocks, divides);
        known = made;
      }
      return made;
    }
  }

  @Override
  public void close() {
    Levels made = known;
    if (made != null) {
      made.close();
    }
  }

  /** Constants as tensors that broadcast against the one to quantize, and the passes over it. */
  private static final class Levels {
    /** The share of rows with something to clip up to which they are looked at one by one. */
    private static final double FEW = 0.125;

    private final boolean divides;
    private final long[] shape;

    /** The dimension that has scales, if it is one of several; or -1. */
    private final int axis;

    private final long[] shared;
    private final torch.@Nullable DeviceType device;
    private final Tensor step;
    private final Tensor scale;

    /** The first and the last level that every scale has. */
    private final float first;

    private final float last;
    private final ScalarOptional lo;
    private final ScalarOptional hi;

    /** The first and the last level of each scale, where zero points differ. */
    private final @Nullable TensorOptional firsts;

    private final @Nullable TensorOptional lasts;

    /** The first numbers outside, below and above, where there is one scale. */
    private final @Nullable Scalar below;

    private final @Nullable Scalar above;

    /**
     * @param blocks null for one scale, which a tensor without dimensions holds: that is a number,
     *     wherever the tensor to quantize lives
     */
    Levels(QuantParams params, @Nullable Blocks blocks, boolean divides) {
      this.divides = divides;
      int count = params.count();
      shape = blocks == null ? new long[0] : blocks.scalesShape(count);
      device = blocks == null ? null : blocks.deviceType();
      shared = blocks == null ? new long[0] : blocks.shared();
      axis = blocks == null ? -1 : onlyAxis(shape, shared);
      float[] firsts = new float[count];
      float[] lasts = new float[count];
      float first = Float.NEGATIVE_INFINITY;
      float last = Float.POSITIVE_INFINITY;
      boolean same = true;
      for (int i = 0; i < count; i++) {
        firsts[i] = params.qmin() - params.zeroPoint(i);
        lasts[i] = params.qmax() - params.zeroPoint(i);
        first = Math.max(first, firsts[i]);
        last = Math.min(last, lasts[i]);
        same &= params.zeroPoint(i) == params.zeroPoint(0);
      }
      this.first = first;
      this.last = last;
      try (Scope scope = Scope.open()) {
        lo = Scope.keep(FakeQuantize.optional(first));
        hi = Scope.keep(FakeQuantize.optional(last));
        scale = Scope.keep(constant(params.scales(), blocks));
        step = Scope.keep(divides ? scale.alias() : scale.reciprocal());
        this.firsts = same ? null : bounds(firsts, blocks);
        this.lasts = same ? null : bounds(lasts, blocks);
        if (count == 1) {
          float exact = params.scale(0);
          float inverse = 1 / exact;
          DoubleUnaryOperator level =
              divides
                  ? x -> Math.rint((float) x / exact) // in float32, as the tensor is
                  : x -> Math.rint((float) x * inverse);
          float lowest = -firstAbove(x -> -level.applyAsDouble(-x), (int) -first);
          below = Scope.keep(new Scalar((double) lowest));
          above = Scope.keep(new Scalar((double) firstAbove(level, (int) last)));
        } else {
          below = null;
          above = null;
        }
      }
    }

    private static int onlyAxis(long[] shape, long[] shared) {
      if (shared.length == 0 || shared.length != shape.length - 1) {
        return -1;
      }
      int axis = 0;
      while (axis < shared.length && shared[axis] == axis) {
        axis++;
      }
      return axis;
    }

    private static Tensor constant(float[] values, @Nullable Blocks blocks) {
      return blocks == null
          ? Tensors.of(values)
          : blocks.like(Tensors.of(values, blocks.scalesShape(values.length)));
    }

    private static TensorOptional bounds(float[] values, @Nullable Blocks blocks) {
      return Scope.keep(FakeQuantize.optional(constant(values, blocks)));
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

    boolean fits(@Nullable Blocks blocks) {
      return blocks == null
          || (Arrays.equals(shape, blocks.scalesShape(-1)) && device == blocks.deviceType());
    }

    Tensor apply(Tensor x) {
      if (!Floats.tracks(x)) {
        Tensor levels = divides ? x.detach().div(step) : x.detach().mul(step);
        levels.round_();
        clamp(levels).mul_(scale);
        return levels;
      }
      Scalar low = below;
      Scalar high = above;
      // The bounds of hardtanh are exact for float32 only.
      if (low != null && high != null && Tensors.type(x) != ScalarType.Double) {
        // Hardtanh saves its input and not its output, and its backward is one pass. So it carries
        // the gradient, and its output's memory takes the values.
        Tensor y = torch.hardtanh(x, low, high);
        clamp(round(y.detach())).mul_(scale);
        return y;
      }
      Tensor levels = round(x.detach().clone());
      Tensor y = carrier(x, levels);
      torch.mul_out(y.detach(), levels, scale);
      return y;
    }

    /**
     * Clamps levels and gives a tensor whose memory is free for the values, and through which the
     * gradient passes where clamping left the levels as they were.
     */
    private Tensor carrier(Tensor x, Tensor levels) {
      if (axis < 0) {
        return clips(levels) ? masked(x, levels) : x.clone();
      }
      // Most rows stay inside; few numbers of few rows do not. So it pays to look for them.
      Tensor inside = levels.amin(shared, false).ge(new Scalar(first));
      inside.logical_and_(levels.amax(shared, false).le(new Scalar(last)));
      Tensor rows = inside.logical_not_().nonzero().reshape(-1);
      if (rows.numel() == 0) {
        return x.clone();
      }
      if (rows.numel() > FEW * levels.size(axis)) {
        return masked(x, levels);
      }
      Tensor before = levels.index_select(axis, rows);
      clamp(levels);
      TensorVector found = torch.where(before.ne(levels.index_select(axis, rows)));
      TensorOptionalList places = new TensorOptionalList();
      for (long i = 0; i < found.size(); i++) {
        Tensor place = i == axis ? rows.index_select(0, found.get(i)) : found.get(i);
        places.push_back(FakeQuantize.optional(place));
      }
      return torch.index_put(x, places, levels.new_zeros(new long[0]));
    }

    /** Clamps levels; the product with the mask carries the gradient, one pass back. */
    private Tensor masked(Tensor x, Tensor levels) {
      Tensor mask = levels.clone();
      clamp(levels);
      mask.eq_(levels);
      return x.mul(mask);
    }

    /** In place. What LibTorch's own operations in place give back belongs to their operand. */
    private Tensor round(Tensor x) {
      if (divides) {
        x.div_(step);
      } else {
        x.mul_(step);
      }
      x.round_();
      return x;
    }

    /** In place. */
    private Tensor clamp(Tensor levels) {
      if (firsts == null || lasts == null) {
        levels.clamp_(lo, hi);
      } else {
        levels.clamp_(firsts, lasts);
      }
      return levels;
    }

    /** Whether clamping may change something; NaN counts. */
    private boolean clips(Tensor levels) {
      T_TensorTensor_T ends = torch.aminmax(levels);
      return !(ends.get0().item_float() >= first && ends.get1().item_float() <= last);
    }

    void close() {
      step.close();
      scale.close();
      lo.close();
      hi.close();
      close(firsts);
      close(lasts);
      close(below);
      close(above);
    }

    private static void close(@Nullable Pointer constant) {
      if (constant != null) {
        constant.close();
      }
    }
  }
}
