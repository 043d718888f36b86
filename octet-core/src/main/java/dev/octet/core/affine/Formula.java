package dev.octet.core.affine;

import java.util.Arrays;

/**
 * The affine formula with its settings for each scale, and the way over a tensor. A value becomes
 * the level {@code r = rint(clamp(x / forward))} or {@code r = rint(clamp(x · forward − shift))},
 * and then {@code r · back} or {@code (r − unshift) / back}; a back of 1 without unshift leaves the
 * level as it is. Immutable.
 */
final class Formula {
  /** Which of the steps are divisions. */
  enum Kind {
    DIVIDE_MULTIPLY,
    MULTIPLY_MULTIPLY,
    MULTIPLY_DIVIDE
  }

  /** What a NaN becomes. */
  enum NanTo {
    NAN,
    LOWEST,
    HIGHEST
  }

  /** Elements worked on at a time: 8 KiB, which stays in a first-level cache. */
  private static final int CHUNK = 2048;

  private final Kind kind;
  private final NanTo nanTo;
  private final float[] forward;
  private final float[] shift;
  private final float[] lo;
  private final float[] hi;
  private final float[] unshift;
  private final float[] back;

  /** Takes the arrays as they are: one element for each scale. */
  Formula(
      Kind kind,
      NanTo nanTo,
      float[] forward,
      float[] shift,
      float[] lo,
      float[] hi,
      float[] unshift,
      float[] back) {
    this.kind = kind;
    this.nanTo = nanTo;
    this.forward = forward;
    this.shift = shift;
    this.lo = lo;
    this.hi = hi;
    this.unshift = unshift;
    this.back = back;
  }

  /** Real values to real values or levels; {@code y} may be {@code x} at the same offset. */
  void apply(float[] x, int xOffset, float[] y, int yOffset, Layout layout) {
    Rows rows = new Rows(Math.min(CHUNK, layout.longestSeparate()));
    layout.walk(
        new Layout.Walker() {
          @Override
          public void shared(int at, int length, int group) {
            for (int i = 0; i < length; i += CHUNK) {
              int part = Math.min(CHUNK, length - i);
              Formula.this.shared(x, xOffset + at + i, y, yOffset + at + i, part, group);
            }
          }

          @Override
          public void separate(int at, int length, int firstGroup) {
            rows.apply(x, xOffset + at, y, yOffset + at, length, firstGroup);
          }
        });
  }

  /** Real values to codes: the level plus the offset of its scale. */
  void applyToCodes(float[] x, int xOffset, int[] q, int qOffset, int[] offsets, Layout layout) {
    float[] levels = new float[Math.min(CHUNK, layout.size())];
    Rows rows = new Rows(Math.min(CHUNK, layout.longestSeparate()));
    layout.walk(
        new Layout.Walker() {
          @Override
          public void shared(int at, int length, int group) {
            for (int i = 0; i < length; i += levels.length) {
              int part = Math.min(levels.length, length - i);
              Formula.this.shared(x, xOffset + at + i, levels, 0, part, group);
              int to = qOffset + at + i;
              for (int k = 0; k < part; k++) {
                q[to + k] = (int) levels[k] + offsets[group];
              }
            }
          }

          @Override
          public void separate(int at, int length, int firstGroup) {
            for (int i = 0; i < length; i += levels.length) {
              int part = Math.min(levels.length, length - i);
              rows.apply(x, xOffset + at + i, levels, 0, part, firstGroup + i);
              int to = qOffset + at + i;
              for (int k = 0; k < part; k++) {
                q[to + k] = (int) levels[k] + offsets[firstGroup + i + k];
              }
            }
          }
        });
  }

  /** Where the straight-through gradient passes: the rounded value needs no clamping. */
  void mask(float[] x, boolean[] passes, Layout layout) {
    layout.walk(
        new Layout.Walker() {
          @Override
          public void shared(int at, int length, int group) {
            for (int i = at; i < at + length; i++) {
              passes[i] = within(x[i], group);
            }
          }

          @Override
          public void separate(int at, int length, int firstGroup) {
            for (int i = 0; i < length; i++) {
              passes[at + i] = within(x[at + i], firstGroup + i);
            }
          }
        });
  }

  private boolean within(float x, int group) {
    float exact =
        kind == Kind.DIVIDE_MULTIPLY ? x / forward[group] : x * forward[group] - shift[group];
    double rounded = Math.rint(exact);
    return rounded >= lo[group] && rounded <= hi[group];
  }

  private void shared(float[] x, int xOffset, float[] y, int yOffset, int length, int group) {
    if (x != y) {
      System.arraycopy(x, xOffset, y, yOffset, length);
    }
    float f = forward[group];
    float s = shift[group];
    float l = lo[group];
    float h = hi[group];
    float b = back[group];
    int end = yOffset + length;
    switch (kind) {
      case DIVIDE_MULTIPLY -> Loops.divide(y, yOffset, end, f, l, h, b);
      case MULTIPLY_MULTIPLY -> Loops.multiply(y, yOffset, end, f, s, l, h, b);
      case MULTIPLY_DIVIDE -> Loops.multiplyDivide(y, yOffset, end, f, s, l, h, unshift[group], b);
    }
    if (nanTo != NanTo.NAN && Loops.maybeNan(y, yOffset, end)) {
      float replacement = replacement(group);
      for (int i = yOffset; i < end; i++) {
        if (Float.isNaN(y[i])) {
          y[i] = replacement;
        }
      }
    }
  }

  private float replacement(int group) {
    float level = nanTo == NanTo.LOWEST ? lo[group] : hi[group];
    return kind == Kind.MULTIPLY_DIVIDE
        ? (level - unshift[group]) / back[group]
        : level * back[group];
  }

  /** Elements with a scale each: settings are copied to the index of their element. */
  private final class Rows {
    private final float[] a;
    private final float[] f;
    private final float[] s;
    private final float[] l;
    private final float[] h;
    private final float[] u;
    private final float[] b;

    Rows(int capacity) {
      a = new float[capacity];
      f = new float[capacity];
      s = new float[capacity];
      l = new float[capacity];
      h = new float[capacity];
      u = new float[capacity];
      b = new float[capacity];
    }

    void apply(float[] x, int xOffset, float[] y, int yOffset, int length, int firstGroup) {
      for (int i = 0; i < length; i += a.length) {
        int part = Math.min(a.length, length - i);
        System.arraycopy(x, xOffset + i, a, 0, part);
        run(part, firstGroup + i);
        System.arraycopy(a, 0, y, yOffset + i, part);
      }
    }

    private void run(int length, int group) {
      System.arraycopy(forward, group, f, 0, length);
      System.arraycopy(lo, group, l, 0, length);
      System.arraycopy(hi, group, h, 0, length);
      System.arraycopy(back, group, b, 0, length);
      if (kind == Kind.DIVIDE_MULTIPLY) {
        Loops.divide(a, length, f, l, h, b);
      } else {
        System.arraycopy(shift, group, s, 0, length);
        if (kind == Kind.MULTIPLY_MULTIPLY) {
          Loops.multiply(a, length, f, s, l, h, b);
        } else {
          System.arraycopy(unshift, group, u, 0, length);
          Loops.multiplyDivide(a, length, f, s, l, h, u, b);
        }
      }
      if (nanTo != NanTo.NAN && Loops.maybeNan(a, 0, length)) {
        for (int i = 0; i < length; i++) {
          if (Float.isNaN(a[i])) {
            a[i] = replacement(group + i);
          }
        }
      }
    }
  }

  /** An array of {@code length} equal elements. */
  static float[] all(int length, float value) {
    float[] values = new float[length];
    Arrays.fill(values, value);
    return values;
  }
}
