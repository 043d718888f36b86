package dev.octet.quantize.metric;

import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import java.nio.FloatBuffer;

/** One output of a batch as a score for each class: [samples, classes], row by row. */
final class ClassScores {

  private final FloatBuffer values;
  private final int samples;
  private final int classes;

  private ClassScores(FloatBuffer values, int samples) {
    this.values = values;
    this.samples = samples;
    this.classes = samples == 0 ? 0 : values.limit() / samples;
  }

  static ClassScores of(HostTensor output) {
    return new ClassScores(
        output.to(ElementType.FLOAT32).floatBuffer(), output.rank() == 0 ? 1 : output.shape()[0]);
  }

  int samples() {
    return samples;
  }

  int classes() {
    return classes;
  }

  boolean hasNaN(int sample) {
    for (int c = 0; c < classes; c++) {
      if (Float.isNaN(at(sample, c))) {
        return true;
      }
    }
    return false;
  }

  /** The class with the largest score, the lowest index among equal ones. No NaN. */
  int argMax(int sample) {
    int best = 0;
    for (int c = 1; c < classes; c++) {
      if (at(sample, c) > at(sample, best)) {
        best = c;
      }
    }
    return best;
  }

  /** How many classes come before {@code wanted} in the order of falling scores. No NaN. */
  int rank(int sample, int wanted) {
    float score = at(sample, wanted);
    int before = 0;
    for (int c = 0; c < classes; c++) {
      float rival = at(sample, c);
      if (rival > score || (rival == score && c < wanted)) {
        before++;
      }
    }
    return before;
  }

  private float at(int sample, int c) {
    return values.get(sample * classes + c);
  }
}
