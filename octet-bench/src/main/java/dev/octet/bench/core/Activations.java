package dev.octet.bench.core;

import java.util.Random;

/** Made-up values that look like what a network hands on. */
final class Activations {
  private Activations() {}

  /** Values of a normal law. */
  static float[] gauss(int length) {
    Random random = new Random(12345);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** The same after a rectifier: half of them zero. */
  static float[] rectified(int length) {
    float[] values = gauss(length);
    for (int i = 0; i < length; i++) {
      values[i] = Math.max(0, values[i]);
    }
    return values;
  }
}
