package dev.octet.torch.quant;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Tensors;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.LongList;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Quantizes and dequantizes float32 numbers in the processor's memory in one pass: block by block,
 * each small enough to stay in the first cache, in loops that the JVM turns into vector
 * instructions. LibTorch's operations make a pass over the whole memory for every step.
 *
 * <p>Adding 1.5 · 2^23 and taking it away rounds numbers within ±2^22 half to even; what is larger
 * stays beyond all bounds, which are smaller, and is clamped. NaN stays NaN, and counts as outside.
 */
final class CachedRounding {
  private static final int BLOCK = 4096;
  private static final float ROUNDER = 0x1.8p23f;

  /** Set in NaN, not in 0 and 1. */
  private static final int NAN_BIT = 0x40000000;

  private final boolean divides;
  private final float[] inverse;
  private final float[] scale;
  private final float[] lo;
  private final float[] hi;
  private final boolean exact;

  CachedRounding(QuantParams params, boolean divides) {
    this(params.scales(), bounds(params, params.qmin()), bounds(params, params.qmax()), divides);
  }

  /**
   * A rounding to {@code scale[i] · n}, n whole and from {@code lo[i]} to {@code hi[i]}.
   *
   * @param scale positive and finite
   * @param lo whole numbers
   * @param hi whole numbers
   * @param divides whether numbers are divided by the scale, or multiplied by its reciprocal
   */
  CachedRounding(float[] scale, float[] lo, float[] hi, boolean divides) {
    this.divides = divides;
    this.scale = scale;
    this.lo = lo;
    this.hi = hi;
    inverse = new float[scale.length];
    boolean inRange = true;
    for (int i = 0; i < scale.length; i++) {
      inverse[i] = 1 / scale[i];
      inRange &= lo[i] >= -0x1p21f && hi[i] <= 0x1p21f;
    }
    exact = inRange;
  }

  private static float[] bounds(QuantParams params, int end) {
    float[] bounds = new float[params.count()];
    for (int i = 0; i < bounds.length; i++) {
      bounds[i] = end - params.zeroPoint(i);
    }
    return bounds;
  }

  /**
   * How many numbers in a row of memory share a scale, if scales follow each other in memory, over
   * and over; otherwise 0, and this class cannot help.
   *
   * @param scales the shape in which scales broadcast against {@code x}
   */
  long run(Tensor x, long[] scales) {
    long count = x.numel();
    if (!exact
        || count >= Integer.MAX_VALUE / Float.BYTES
        || Tensors.type(x) != ScalarType.Float
        || !x.is_cpu()
        || !x.is_non_overlapping_and_dense()) {
      return 0;
    }
    if (scale.length == 1) {
      return count;
    }
    long[] shape = Tensors.shape(x);
    int first = 0;
    while (scales[first] == 1) {
      first++;
    }
    int last = scales.length - 1;
    while (scales[last] == 1) {
      last--;
    }
    if (first == 0 && last == 0 && x.stride(0) * shape[0] == count) {
      return count / shape[0]; // whatever the order of the other dimensions
    }
    if (!x.is_contiguous() || !Arrays.equals(scales, first, last + 1, shape, first, last + 1)) {
      return 0;
    }
    return Arrays.stream(shape, last + 1, shape.length).reduce(1, (a, b) -> a * b);
  }

  /**
   * What is left of {@code x}. The gradient passes whole where no number was beyond the range.
   *
   * @param run what {@link #run} said of {@code x}
   */
  Tensor apply(Tensor x, long run) {
    Tensor plain = x.detach();
    Tensor values = torch.empty_like(plain);
    boolean tracks = Floats.tracks(x);
    Tensor mask = round(plain, values, tracks, null, run);
    if (!tracks) {
      return values;
    }
    Tensor y = carrier(x, mask);
    y.set_data(values);
    return y;
  }

  /** A tensor to be given other numbers, whose gradient passes to {@code x} where the mask is 1. */
  static Tensor carrier(Tensor x, @Nullable Tensor mask) {
    return mask == null ? same(x) : x.mul(mask);
  }

  /**
   * The same numbers, which the gradient does not take for a view, so that they may be replaced.
   */
  private static Tensor same(Tensor x) {
    // The list of integers that the operator wants; boxed, a list is one type for any element.
    GenericList shape = new GenericList(new LongList(Tensors.shape(x)));
    IValueVector arguments = new IValueVector(new IValue(x), new IValue(shape));
    Dispatcher.singleton().findSchemaOrThrow("aten::_unsafe_view", "").callBoxed(arguments);
    return new Tensor(arguments.get(0).toTensor());
  }

  /**
   * Writes what is left of {@code x} into the memory of {@code values}.
   *
   * @param wantsMask whether it matters which numbers were in the range
   * @param errors takes, in levels, what each number became less what it was, and where it was
   *     beyond the range what it became; null where that does not matter
   * @return 1 where the rounded number was in the range and 0 elsewhere; null where all were, or
   *     where it does not matter
   */
  @Nullable Tensor round(
      Tensor x, Tensor values, boolean wantsMask, @Nullable Tensor errors, long run) {
    FloatBuffer source = memory(x);
    FloatBuffer target = memory(values);
    FloatBuffer errorTarget = errors == null ? null : memory(errors);
    FloatBuffer maskTarget = null;
    Tensor mask = null;
    int count = source.capacity();
    float[] block = new float[Math.min(BLOCK, count)];
    float[] cut = new float[block.length];
    float[] error = new float[errors == null ? 0 : block.length];
    for (int at = 0; at < count; at += BLOCK) {
      int length = Math.min(BLOCK, count - at);
      source.get(at, block, 0, length);
      for (int from = 0; from < length; ) {
        long ordinal = (at + from) / run;
        int to = (int) Math.min(length, (ordinal + 1) * run - at);
        int index = (int) (ordinal % scale.length);
        if (errorTarget != null) {
          learn(block, cut, error, from, to, scale[index], lo[index], hi[index]);
        } else if (divides) {
          divide(block, cut, from, to, scale[index], lo[index], hi[index]);
        } else {
          multiply(block, cut, from, to, inverse[index], scale[index], lo[index], hi[index]);
        }
        from = to;
      }
      target.put(at, block, 0, length);
      if (errorTarget != null) {
        errorTarget.put(at, error, 0, length);
      }
      if (wantsMask && anyBits(cut, length) != 0) {
        if (maskTarget == null) {
          mask = torch.ones_like(x);
          maskTarget = memory(mask);
        }
        toMask(cut, length);
        maskTarget.put(at, cut, 0, length);
      }
    }
    return mask;
  }

  private static FloatBuffer memory(Tensor x) {
    return new FloatPointer(x.data_ptr_float()).capacity(x.numel()).asBuffer();
  }

  // Loops of their own, without calls or branches: what the JVM makes vector instructions of.

  private static void divide(
      float[] x, float[] cut, int from, int to, float scale, float lo, float hi) {
    for (int i = from; i < to; i++) {
      float level = x[i] / scale + ROUNDER - ROUNDER;
      float kept = Math.min(Math.max(level, lo), hi);
      cut[i] = level - kept;
      x[i] = kept * scale;
    }
  }

  private static void multiply(
      float[] x, float[] cut, int from, int to, float inverse, float scale, float lo, float hi) {
    for (int i = from; i < to; i++) {
      float level = x[i] * inverse + ROUNDER - ROUNDER;
      float kept = Math.min(Math.max(level, lo), hi);
      cut[i] = level - kept;
      x[i] = kept * scale;
    }
  }

  private static void learn(
      float[] x, float[] cut, float[] error, int from, int to, float scale, float lo, float hi) {
    for (int i = from; i < to; i++) {
      float exact = x[i] / scale;
      float level = exact + ROUNDER - ROUNDER;
      float kept = Math.min(Math.max(level, lo), hi);
      cut[i] = level - kept;
      error[i] = kept - (1 - Math.min(Math.abs(level - kept), 1)) * exact;
      x[i] = kept * scale;
    }
  }

  /** What was cut off, a whole number, becomes 1 where it is 0, and 0 elsewhere. */
  private static void toMask(float[] cut, int length) {
    for (int i = 0; i < length; i++) {
      cut[i] = 1 - Math.min(Math.abs(cut[i]), 1);
    }
    if ((anyBits(cut, length) & NAN_BIT) != 0) {
      for (int i = 0; i < length; i++) {
        cut[i] = Float.isNaN(cut[i]) ? 0 : cut[i];
      }
    }
  }

  private static int anyBits(float[] x, int length) {
    int bits = 0;
    for (int i = 0; i < length; i++) {
      bits |= Float.floatToRawIntBits(x[i]);
    }
    return bits;
  }
}
