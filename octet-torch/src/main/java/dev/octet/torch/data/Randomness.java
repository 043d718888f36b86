package dev.octet.torch.data;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Random numbers that depend on a seed, a purpose and what they are for, and nothing else. */
final class Randomness {

  /** Purposes: numbers of one tell nothing about those of another. */
  static final int SHUFFLE = 1;

  static final int AUGMENT = 2;
  static final int SPLIT = 3;

  private final SplittableRandom random;

  private Randomness(SplittableRandom random) {
    this.random = random;
  }

  static Randomness of(long seed, int purpose, long... of) {
    long hash = mix(seed) + purpose;
    for (long part : of) {
      hash = mix(hash) + part;
    }
    return new Randomness(new SplittableRandom(mix(hash)));
  }

  RandomGenerator generator() {
    return random;
  }

  /** The numbers from 0 to {@code count - 1} in a random order (Fisher and Yates). */
  int[] permutation(int count) {
    int[] order = new int[count];
    for (int i = 0; i < count; i++) {
      int other = random.nextInt(i + 1);
      order[i] = order[other];
      order[other] = i;
    }
    return order;
  }

  /** The finalizer of MurmurHash3 (Appleby) after a step by the golden ratio, as SplitMix64 has. */
  private static long mix(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 33)) * 0xff51afd7ed558ccdL;
    z = (z ^ (z >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return z ^ (z >>> 33);
  }
}
