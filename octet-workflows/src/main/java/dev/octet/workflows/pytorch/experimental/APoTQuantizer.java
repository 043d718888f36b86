package dev.octet.workflows.pytorch.experimental;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Additive powers of two (APoT, Li et al. 2019, arXiv 1909.13144): levels are sums of {@code n = b
 * / k} numbers, the i-th of which is 0 or {@code 2^-(i + j n)} with {@code j} from 0 to {@code 2^k
 * − 2}, its negative too where signed; all times γ, which puts the largest sum onto α. As PyTorch
 * has them.
 *
 * <p>A simulation: no runtime here computes on such levels, so they cannot be exported.
 */
public final class APoTQuantizer {
  private static final int MOST_LEVELS = 1 << 16;

  private final float alpha;
  private final double gamma;
  private final float[] levels;
  private final int[] codes;

  private APoTQuantizer(float alpha, double gamma, float[] levels, int[] codes) {
    this.alpha = alpha;
    this.gamma = gamma;
    this.levels = levels;
    this.codes = codes;
  }

  /**
   * The levels for a largest magnitude.
   *
   * @param b bits, 2 to 16
   * @param k bits of each of the numbers that are added, a divisor of b, up to 5
   * @param alpha finite and not negative
   */
  public static APoTQuantizer of(int b, int k, boolean signed, float alpha) {
    if (b < 2 || b > 16 || k < 1 || k > 5 || b % k != 0) {
      throw new IllegalArgumentException(
          "b=" + b + " and k=" + k + ": choose 2 to 16 bits, and a divisor of them up to 5");
    }
    if (!(alpha >= 0 && alpha < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("alpha is " + alpha + "; it is finite and not negative");
    }
    int n = b / k;
    List<Double> sums = List.of(0.0);
    double largest = 0;
    for (int i = 0; i < n; i++) {
      List<Double> terms = terms(i, n, k, signed);
      largest += Math.pow(2, -i);
      List<Double> next = new ArrayList<>();
      for (double sum : sums) {
        terms.forEach(term -> next.add(sum + term));
      }
      if (next.size() > MOST_LEVELS) {
        throw new IllegalArgumentException(
            "b=" + b + " and k=" + k + " signed are more than 65536 levels; choose fewer bits");
      }
      sums = next;
    }
    double gamma = alpha / largest;
    List<Double> all = sums;
    int[] order =
        IntStream.range(0, all.size())
            .boxed()
            .sorted(Comparator.comparing(all::get))
            .mapToInt(Integer::intValue)
            .toArray();
    float[] levels = new float[order.length];
    for (int i = 0; i < levels.length; i++) {
      levels[i] = (float) (gamma * all.get(order[i]));
    }
    return new APoTQuantizer(alpha, gamma, levels, order);
  }

  /** What the i-th number can be: zero, powers falling from 2^-i; from the top where signed. */
  private static List<Double> terms(int i, int n, int k, boolean signed) {
    List<Double> terms = new ArrayList<>(List.of(0.0));
    for (int j = 0; j <= (1 << k) - 2; j++) {
      double power = Math.pow(2, -(i + (double) j * n));
      terms.add(power);
      if (signed) {
        terms.add(-power);
      }
    }
    if (signed) {
      terms.sort(Comparator.reverseOrder());
    }
    return terms;
  }

  /** The largest magnitude. */
  public float alpha() {
    return alpha;
  }

  /** What sums of powers are multiplied by. */
  public double gamma() {
    return gamma;
  }

  /** All levels, ascending; some twice where signed. */
  public float[] quantizationLevels() {
    return levels.clone();
  }

  /** The integers that stand for the levels. */
  public int[] levelIndices() {
    return codes.clone();
  }

  /**
   * The integers of the nearest levels, of two the lower one.
   *
   * @return int64, in the shape of {@code x}
   * @throws IllegalArgumentException if {@code x} holds NaN
   */
  public Tensor quantize(Tensor x) {
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      if (x.isnan().any().item_bool()) {
        throw new IllegalArgumentException(
            Tensors.describe(x) + " holds NaN, which no integer stands for");
      }
      long[] all = Arrays.stream(codes).asLongStream().toArray();
      return scope.give(at(x, Tensors.of(all, all.length)));
    }
  }

  /** What integers of {@link #quantize} stand for. */
  public Tensor dequantize(Tensor integers) {
    float[] byCode = new float[levels.length];
    for (int i = 0; i < levels.length; i++) {
      byCode[codes[i]] = levels[i];
    }
    for (long code : Tensors.toLongs(integers)) {
      if (code < 0 || code >= byCode.length) {
        throw new IllegalArgumentException(
            code + " stands for no level; there are " + byCode.length);
      }
    }
    try (Scope scope = Scope.open()) {
      Tensor flat = Tensors.of(byCode, byCode.length).index_select(0, integers.flatten());
      return scope.give(flat.reshape(Tensors.shape(integers)));
    }
  }

  /**
   * The nearest levels. The gradient passes where {@code |x| <= alpha}; NaN stays NaN.
   *
   * @return in the shape and type of {@code x}
   */
  public Tensor fakeQuantize(Tensor x) {
    try (Scope scope = Scope.open()) {
      Tensor y =
          torch.clamp(
              x,
              new ScalarOptional(new Scalar((double) -alpha)),
              new ScalarOptional(new Scalar((double) alpha)));
      try (Torch.Switched noGrad = Torch.noGrad()) {
        Tensor plain = x.detach();
        Tensor nearest = at(plain, Tensors.of(levels, levels.length)).to(Tensors.type(x));
        y.detach().copy_(torch.where(plain.isnan(), plain, nearest));
      }
      return scope.give(y);
    }
  }

  /** For each element what a table of the levels has for its nearest one. */
  private Tensor at(Tensor x, Tensor table) {
    float[] middles = new float[levels.length - 1];
    for (int i = 0; i < middles.length; i++) {
      middles[i] = (levels[i] + levels[i + 1]) / 2;
    }
    Tensor places = torch.bucketize(x.detach(), Tensors.of(middles, middles.length), false, false);
    return table.index_select(0, places.flatten()).reshape(Tensors.shape(x));
  }

  @Override
  public String toString() {
    return "APoTQuantizer(" + levels.length + " levels, alpha=" + alpha + ")";
  }
}
