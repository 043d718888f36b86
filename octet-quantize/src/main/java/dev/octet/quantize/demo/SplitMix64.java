package dev.octet.quantize.demo;

/**
 * The 64-bit generator SplitMix64: a Weyl sequence through a mixing function.
 *
 * <p>Written out here, although {@link java.util.SplittableRandom} rests on the same generator,
 * because its library methods do not promise how they turn 64 bits into a bounded number, and the
 * images must not change with the JDK.
 *
 * <p>Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA
 * 2014, with the mixing constants of D. Stafford's variant 13. Not thread-safe.
 */
final class SplitMix64 {
  /** 2^64 divided by the golden ratio, made odd: the step of the Weyl sequence. */
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  /** One unit in the last of 53 random bits. */
  private static final double ULP_53 = 0x1p-53;

  /**
   * The standard deviation of the sum of four independent uniform numbers from [0, 1): sqrt(4 /
   * 12).
   */
  private static final double DEVIATION_OF_FOUR = Math.sqrt(1.0 / 3.0);

  private long state;

  SplitMix64(long state) {
    this.state = state;
  }

  /**
   * Returns the generator of item {@code index} of the collection {@code seed}; items do not share
   * a sequence.
   */
  static SplitMix64 ofItem(long seed, int index) {
    return new SplitMix64(mix(mix(seed + GAMMA) + (index + 1L) * GAMMA));
  }

  /** Returns the next 64 bits. */
  long nextBits() {
    state += GAMMA;
    return mix(state);
  }

  /** Returns a number from [{@code low}, {@code high}). */
  double uniform(double low, double high) {
    return low + (high - low) * ((nextBits() >>> 11) * ULP_53);
  }

  /** Returns true with the given probability. */
  boolean chance(double probability) {
    return uniform(0, 1) < probability;
  }

  /**
   * Returns a number of mean 0 and variance 1, close to normal and never beyond 2·sqrt(3): the sum
   * of the four 16-bit quarters of one draw. It needs neither logarithm nor sine, which differ
   * between machines.
   */
  double nearlyNormal() {
    long bits = nextBits();
    long sum = (bits & 0xFFFF) + (bits >>> 16 & 0xFFFF) + (bits >>> 32 & 0xFFFF) + (bits >>> 48);
    return ((sum + 2) * 0x1p-16 - 2) / DEVIATION_OF_FOUR;
  }

  private static long mix(long bits) {
    long mixed = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return mixed ^ (mixed >>> 31);
  }
}
