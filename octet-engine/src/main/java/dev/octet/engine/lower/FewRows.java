package dev.octet.engine.lower;

import dev.octet.engine.plan.Coded;
import dev.octet.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The product of a few rows of floats by 4-bit weights, exact but for the rounding of floats.
 *
 * <p>Java has no vector instruction that turns integers into floats before release 20, so four
 * weights of a column are kept as the digits, to base 32, of one float: {@code v = d0 + 32 d1 +
 * 1024 d2 + 32768 d3} with {@code |di| <= 8}, which is exact. Adding and taking off {@code 1.5 *
 * 2^(23 + p)} rounds {@code v} to a multiple of {@code 2^p}; as the digits below make up less than
 * half of it, what is left are the digits above. The JIT turns the loops into vector code, which
 * only adds and multiplies floats and reads a quarter of the memory of float weights.
 *
 * <p>Each block of a column adds {@code scale * sum(x * d) + offset * sum(x)}, where the offset
 * holds the zero point.
 */
final class FewRows {
  private static final int DIGITS = 4;
  private static final int TOGETHER = 4;
  private static final float ROUND_5 = 0x1.8p28f;
  private static final float ROUND_10 = 0x1.8p33f;
  private static final float ROUND_15 = 0x1.8p38f;

  /** A piece of the depth under one scale for each column. */
  private static final class Block {
    final int first;
    final int depth;
    final float[][] words;
    final float[] scales;
    final float @Nullable [] offsets;

    Block(int first, int depth, float[][] words, float[] scales, float @Nullable [] offsets) {
      this.first = first;
      this.depth = depth;
      this.words = words;
      this.scales = scales;
      this.offsets = offsets;
    }
  }

  private final int depth;
  private final int width;
  private final Block[] blocks;

  private FewRows(int depth, int width, Block[] blocks) {
    this.depth = depth;
    this.width = width;
    this.blocks = blocks;
  }

  /** Packs {@code matrix}. */
  static FewRows of(WeightOnlyProducts.Matrix matrix) {
    Coded coded = matrix.coded();
    Tensor codes = coded.codes();
    ByteBuffer data = codes.data();
    Tensor scales = coded.scales();
    float[] steps = scales == null ? new float[] {1} : scales.toFloats();
    Tensor zeros = coded.zeroPoints();
    ByteBuffer zero = zeros == null ? null : zeros.data();
    boolean signed = codes.type() == dev.octet.graph.DataType.INT4;
    int middle = signed ? 0 : 8;
    int size = matrix.block();
    int width = matrix.width();
    float[] nothing = new float[width];
    List<Block> blocks = new ArrayList<>();
    for (int first = 0; first < matrix.depth(); first += size) {
      int count = Math.min(size, matrix.depth() - first);
      int rows = (count + DIGITS - 1) / DIGITS;
      float[][] words = new float[(rows + TOGETHER - 1) / TOGETHER * TOGETHER][];
      Arrays.fill(words, nothing);
      for (int i = 0; i < rows; i++) {
        words[i] = new float[width];
      }
      for (int k = 0; k < count; k++) {
        float unit = 1 << (5 * (k % DIGITS));
        for (int n = 0; n < width; n++) {
          int code = Coded.integer(codes, data, matrix.index(first + k, n)) - middle;
          words[k / DIGITS][n] += unit * code;
        }
      }
      float[] own = new float[width];
      float[] offsets = new float[width];
      boolean shifted = false;
      for (int n = 0; n < width; n++) {
        int at = coded.scaleIndex(matrix.index(first, n));
        own[n] = steps[at];
        int shift = zeros == null || zero == null ? 0 : Coded.integer(zeros, zero, at);
        offsets[n] = (middle - shift) * own[n];
        shifted |= offsets[n] != 0;
      }
      blocks.add(new Block(first, count, words, own, shifted ? offsets : null));
    }
    return new FewRows(matrix.depth(), width, blocks.toArray(new Block[0]));
  }

  /** The product of {@code rows} rows, to which {@code bias} is added. */
  Runnable bind(ByteBuffer from, ByteBuffer into, int rows, float[] bias) {
    FloatBuffer input = from.asFloatBuffer();
    FloatBuffer output = into.asFloatBuffer();
    float[] x = new float[depth];
    float[] factors = new float[TOGETHER * DIGITS];
    float[] sums = new float[width];
    float[] result = new float[width];
    return () -> {
      for (int row = 0; row < rows; row++) {
        input.get(row * depth, x, 0, depth);
        System.arraycopy(bias, 0, result, 0, width);
        for (Block block : blocks) {
          Arrays.fill(sums, 0);
          for (int i = 0; i < block.words.length; i += TOGETHER) {
            for (int w = 0; w < TOGETHER; w++) {
              int k = (i + w) * DIGITS;
              float x0 = at(x, block, k);
              float x2 = at(x, block, k + 2) / 1024;
              factors[w * DIGITS] = x0;
              factors[w * DIGITS + 1] = at(x, block, k + 1) / 32 - x0;
              factors[w * DIGITS + 2] = x2;
              factors[w * DIGITS + 3] = at(x, block, k + 3) / 32768 - x2;
            }
            addWords(sums, block.words, i, factors);
          }
          addScaled(result, sums, block.scales);
          if (block.offsets != null) {
            float total = 0;
            for (int k = 0; k < block.depth; k++) {
              total += x[block.first + k];
            }
            addTimes(result, total, block.offsets);
          }
        }
        output.put(row * width, result);
      }
    };
  }

  private static float at(float[] x, Block block, int k) {
    return k < block.depth ? x[block.first + k] : 0;
  }

  /**
   * Adds the digits of four rows of words, the factors being made for rounded words, not digits.
   * Four loops in one method: so it is too large to be inlined, which keeps the JIT from compiling
   * them together with their caller, where it may fail to vectorize them.
   */
  private static void addWords(float[] sums, float[][] words, int first, float[] factors) {
    float[] w0 = words[first + 0];
    float a0 = factors[0];
    float b0 = factors[1];
    float c0 = factors[2];
    float d0 = factors[3];
    for (int j = 0; j < sums.length; j++) {
      float v = w0[j];
      float high = (v + ROUND_10) - ROUND_10;
      float low = v - high;
      float second = (low + ROUND_5) - ROUND_5;
      float fourth = (high + ROUND_15) - ROUND_15;
      sums[j] =
          Math.fma(
              d0, fourth, Math.fma(c0, high, Math.fma(b0, second, Math.fma(a0, low, sums[j]))));
    }
    float[] w1 = words[first + 1];
    float a1 = factors[4];
    float b1 = factors[5];
    float c1 = factors[6];
    float d1 = factors[7];
    for (int j = 0; j < sums.length; j++) {
      float v = w1[j];
      float high = (v + ROUND_10) - ROUND_10;
      float low = v - high;
      float second = (low + ROUND_5) - ROUND_5;
      float fourth = (high + ROUND_15) - ROUND_15;
      sums[j] =
          Math.fma(
              d1, fourth, Math.fma(c1, high, Math.fma(b1, second, Math.fma(a1, low, sums[j]))));
    }
    float[] w2 = words[first + 2];
    float a2 = factors[8];
    float b2 = factors[9];
    float c2 = factors[10];
    float d2 = factors[11];
    for (int j = 0; j < sums.length; j++) {
      float v = w2[j];
      float high = (v + ROUND_10) - ROUND_10;
      float low = v - high;
      float second = (low + ROUND_5) - ROUND_5;
      float fourth = (high + ROUND_15) - ROUND_15;
      sums[j] =
          Math.fma(
              d2, fourth, Math.fma(c2, high, Math.fma(b2, second, Math.fma(a2, low, sums[j]))));
    }
    float[] w3 = words[first + 3];
    float a3 = factors[12];
    float b3 = factors[13];
    float c3 = factors[14];
    float d3 = factors[15];
    for (int j = 0; j < sums.length; j++) {
      float v = w3[j];
      float high = (v + ROUND_10) - ROUND_10;
      float low = v - high;
      float second = (low + ROUND_5) - ROUND_5;
      float fourth = (high + ROUND_15) - ROUND_15;
      sums[j] =
          Math.fma(
              d3, fourth, Math.fma(c3, high, Math.fma(b3, second, Math.fma(a3, low, sums[j]))));
    }
  }

  private static void addScaled(float[] result, float[] sums, float[] scales) {
    for (int j = 0; j < result.length; j++) {
      result[j] = Math.fma(scales[j], sums[j], result[j]);
    }
  }

  private static void addTimes(float[] result, float factor, float[] values) {
    for (int j = 0; j < result.length; j++) {
      result[j] = Math.fma(factor, values[j], result[j]);
    }
  }
}
