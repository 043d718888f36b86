package dev.octet.core.affine;

import dev.octet.core.descriptor.Granularity;
import java.util.Arrays;

/**
 * Quantizes, dequantizes and fake-quantizes tensors.
 *
 * <p>Tensors are row-major arrays with a shape; the shape {@code []} is one value, and a size of 0
 * makes a tensor without elements, which is fine. {@link QuantParams} says which elements share a
 * scale. Where no {@link Arithmetic} is given it is {@link Arithmetic#ONNX}. The forms that write
 * into an array start at its offset and change nothing else; the array may be the one that is read
 * from if the offset is the same, and must not overlap it otherwise.
 *
 * <p>NaN and infinities: see {@link Arithmetic}. All methods throw {@link IllegalArgumentException}
 * before any work where shape, arrays and parameters do not fit together. Thread-safe.
 */
public final class Affine {
  private Affine() {}

  /** The integers of {@code x}, each in {@code [qmin, qmax]}. */
  public static int[] quantize(float[] x, int[] shape, QuantParams params) {
    return quantize(x, shape, params, Arithmetic.ONNX);
  }

  /** The integers of {@code x}, each in {@code [qmin, qmax]}. */
  public static int[] quantize(float[] x, int[] shape, QuantParams params, Arithmetic arithmetic) {
    layoutOf(x.length, shape, params);
    int[] q = new int[x.length];
    quantize(x, 0, q, 0, shape, params, arithmetic);
    return q;
  }

  /** The same, from {@code x[xOffset]} on, into {@code q[qOffset]} on. */
  public static void quantize(
      float[] x,
      int xOffset,
      int[] q,
      int qOffset,
      int[] shape,
      QuantParams params,
      Arithmetic arithmetic) {
    Layout layout = Layout.of(shape, params.granularity());
    checkScales(layout, shape, params);
    checkBounds("input", x.length, xOffset, layout.size());
    checkBounds("output", q.length, qOffset, layout.size());
    if (WideIntegers.areThoseOf(params)) {
      WideIntegers.quantize(x, xOffset, q, qOffset, layout, params, arithmetic);
      return;
    }
    int[] offsets =
        Formulas.addsZeroPointBeforeRounding(arithmetic)
            ? new int[params.count()]
            : params.zeroPoints();
    Formulas.codes(params, arithmetic).applyToCodes(x, xOffset, q, qOffset, offsets, layout);
  }

  /**
   * The real values of {@code q}: {@code (q − zeroPoint) · scale}, the difference exact, the
   * product rounded to float32 once. Integers need not be in {@code [qmin, qmax]}.
   */
  public static float[] dequantize(int[] q, int[] shape, QuantParams params) {
    layoutOf(q.length, shape, params);
    float[] y = new float[q.length];
    dequantize(q, 0, y, 0, shape, params);
    return y;
  }

  /**
   * The real values of {@code q} with scales that are doubles, as LibTorch keeps those of channels:
   * {@code (q − zeroPoint) · scale} in float64, rounded to float32 once.
   *
   * @param scales in the place of those of {@code params}, as many
   */
  public static float[] dequantize(int[] q, int[] shape, QuantParams params, double[] scales) {
    Layout layout = layoutOf(q.length, shape, params);
    if (scales.length != params.count()) {
      throw new IllegalArgumentException(
          scales.length + " scales in the place of " + params.count());
    }
    float[] y = new float[q.length];
    layout.walk(
        new Layout.Walker() {
          @Override
          public void shared(int at, int length, int group) {
            for (int i = at; i < at + length; i++) {
              y[i] = (float) (((double) q[i] - params.zeroPoint(group)) * scales[group]);
            }
          }

          @Override
          public void separate(int at, int length, int firstGroup) {
            for (int i = 0; i < length; i++) {
              int group = firstGroup + i;
              y[at + i] = (float) (((double) q[at + i] - params.zeroPoint(group)) * scales[group]);
            }
          }
        });
    return y;
  }

  /** The same, from {@code q[qOffset]} on, into {@code y[yOffset]} on. */
  public static void dequantize(
      int[] q, int qOffset, float[] y, int yOffset, int[] shape, QuantParams params) {
    Layout layout = Layout.of(shape, params.granularity());
    checkScales(layout, shape, params);
    checkBounds("input", q.length, qOffset, layout.size());
    checkBounds("output", y.length, yOffset, layout.size());
    layout.walk(
        new Layout.Walker() {
          @Override
          public void shared(int at, int length, int group) {
            float scale = params.scale(group);
            long zero = params.zeroPoint(group);
            for (int i = at; i < at + length; i++) {
              y[yOffset + i] = (q[qOffset + i] - zero) * scale;
            }
          }

          @Override
          public void separate(int at, int length, int firstGroup) {
            for (int i = 0; i < length; i++) {
              int group = firstGroup + i;
              long level = (long) q[qOffset + at + i] - params.zeroPoint(group);
              y[yOffset + at + i] = level * params.scale(group);
            }
          }
        });
  }

  /**
   * What is left of {@code x} after quantizing and dequantizing; integers of at most 21 bits. Where
   * the arithmetic sends NaN to an integer, the result is that integer's value.
   */
  public static float[] fakeQuantize(float[] x, int[] shape, QuantParams params) {
    return fakeQuantize(x, shape, params, Arithmetic.ONNX);
  }

  /** What is left of {@code x} after quantizing and dequantizing. */
  public static float[] fakeQuantize(
      float[] x, int[] shape, QuantParams params, Arithmetic arithmetic) {
    layoutOf(x.length, shape, params);
    float[] y = new float[x.length];
    fakeQuantize(x, 0, y, 0, shape, params, arithmetic);
    return y;
  }

  /** The same, from {@code x[xOffset]} on, into {@code y[yOffset]} on. */
  public static void fakeQuantize(
      float[] x,
      int xOffset,
      float[] y,
      int yOffset,
      int[] shape,
      QuantParams params,
      Arithmetic arithmetic) {
    Layout layout = Layout.of(shape, params.granularity());
    checkScales(layout, shape, params);
    refuseWide("fake-quantize", params);
    checkBounds("input", x.length, xOffset, layout.size());
    checkBounds("output", y.length, yOffset, layout.size());
    if (x == y && xOffset != yOffset && Math.abs((long) xOffset - yOffset) < layout.size()) {
      throw new IllegalArgumentException(
          "input at %d and output at %d of one array overlap; use the same offset or another array"
              .formatted(xOffset, yOffset));
    }
    Formulas.fake(params, arithmetic).apply(x, xOffset, y, yOffset, layout);
  }

  /**
   * Where a straight-through gradient passes fake quantization: where the rounded value lies in
   * {@code [qmin, qmax]} before clamping. NaN does not pass.
   */
  public static boolean[] mask(float[] x, int[] shape, QuantParams params, Arithmetic arithmetic) {
    Layout layout = layoutOf(x.length, shape, params);
    refuseWide("mask", params);
    boolean[] passes = new boolean[x.length];
    Formulas.fake(params, arithmetic).mask(x, passes, layout);
    return passes;
  }

  /**
   * The shape that the scales of a tensor have, row-major, in ONNX's order: {@code []} per tensor,
   * {@code [n]} per axis of size n, and per block the tensor's shape with the axis shortened to its
   * number of blocks.
   *
   * @throws IllegalArgumentException if the shape has no such axis
   */
  public static int[] scaleShape(int[] shape, Granularity granularity) {
    Layout layout = Layout.of(shape, granularity);
    if (granularity instanceof Granularity.PerTensor) {
      return new int[0];
    }
    if (granularity instanceof Granularity.PerBlock perBlock) {
      int axis = perBlock.axis() < 0 ? perBlock.axis() + shape.length : perBlock.axis();
      int[] scales = shape.clone();
      scales[axis] = layout.blocks();
      return scales;
    }
    return new int[] {layout.axis()};
  }

  private static void refuseWide(String what, QuantParams params) {
    if (WideIntegers.areThoseOf(params)) {
      throw new IllegalArgumentException(
          "integers from %d to %d are too wide to %s; choose at most 21 bits"
              .formatted(params.qmin(), params.qmax(), what));
    }
  }

  private static Layout layoutOf(int length, int[] shape, QuantParams params) {
    Layout layout = Layout.of(shape, params.granularity());
    checkScales(layout, shape, params);
    if (length != layout.size()) {
      throw new IllegalArgumentException(
          "%d values do not fill shape %s, which holds %d"
              .formatted(length, Arrays.toString(shape), layout.size()));
    }
    return layout;
  }

  private static void checkScales(Layout layout, int[] shape, QuantParams params) {
    if (layout.size() > 0 && layout.groups() != params.count()) {
      throw new IllegalArgumentException(
          "%d scales %s do not fit shape %s, which needs %d"
              .formatted(
                  params.count(), params.granularity(), Arrays.toString(shape), layout.groups()));
    }
  }

  private static void checkBounds(String what, int length, int offset, int size) {
    if (offset < 0 || size > length - offset) {
      throw new IllegalArgumentException(
          "%s of %d values has no room for %d from offset %d"
              .formatted(what, length, size, offset));
    }
  }
}
