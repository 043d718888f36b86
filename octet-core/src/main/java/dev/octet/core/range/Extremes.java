package dev.octet.core.range;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Exact extremes of a stream of values, and how many there were. Negative zero counts as zero.
 *
 * <p>The fast path asks one question of each value, "inside what was seen so far?", whose answer is
 * almost always yes and well predicted, and which is no for NaN as well. Four streams a quarter of
 * the array apart keep four hardware prefetchers busy: measured on an array larger than the caches,
 * 0.6 ns a value against 1.7 ns for one stream.
 */
final class Extremes {
  private static final int STREAMS = 4;

  long finite;
  long nan;
  long infinite;
  float min = Float.POSITIVE_INFINITY;
  float max = Float.NEGATIVE_INFINITY;

  void add(float[] values, int offset, int length) {
    int quarter = length / STREAMS;
    float lo = min;
    float hi = max;
    for (int i = offset, end = offset + quarter; i < end; i++) {
      float a = values[i];
      float b = values[i + quarter];
      float c = values[i + 2 * quarter];
      float d = values[i + 3 * quarter];
      if (a >= lo && a <= hi && b >= lo && b <= hi && c >= lo && c <= hi && d >= lo && d <= hi) {
        continue;
      }
      addOutside(a);
      addOutside(b);
      addOutside(c);
      addOutside(d);
      lo = min;
      hi = max;
    }
    for (int i = offset + STREAMS * quarter; i < offset + length; i++) {
      addOutside(values[i]);
    }
    finite += length;
  }

  /** Takes in one value, without counting it as finite when it is: {@link #add} does, in one go. */
  private void addOutside(float value) {
    if (!Float.isFinite(value)) {
      finite--;
      if (Float.isNaN(value)) {
        nan++;
      } else {
        infinite++;
      }
      return;
    }
    if (value < min) {
      min = value + 0f; // -0.0 + 0.0 is 0.0
    }
    if (value > max) {
      max = value + 0f;
    }
  }

  long nonFinite() {
    return nan + infinite;
  }

  Extremes merge(Extremes other) {
    Extremes merged = new Extremes();
    merged.finite = Math.addExact(finite, other.finite);
    merged.nan = Math.addExact(nan, other.nan);
    merged.infinite = Math.addExact(infinite, other.infinite);
    merged.min = Math.min(min, other.min);
    merged.max = Math.max(max, other.max);
    return merged;
  }

  Observed observed() {
    return finite == 0
        ? new Observed(0, nan, infinite, 0, 0)
        : new Observed(finite, nan, infinite, min, max);
  }

  void writeTo(DataOutput out) throws IOException {
    out.writeLong(finite);
    out.writeLong(nan);
    out.writeLong(infinite);
    if (finite > 0) {
      out.writeFloat(min);
      out.writeFloat(max);
    }
  }

  static Extremes read(DataInput in) throws IOException {
    Extremes read = new Extremes();
    read.finite = CollectorFormat.readCount(in, "number of finite values");
    read.nan = CollectorFormat.readCount(in, "number of NaN");
    read.infinite = CollectorFormat.readCount(in, "number of infinities");
    if (read.finite > 0) {
      read.min = in.readFloat() + 0f;
      read.max = in.readFloat() + 0f;
      if (!(Float.isFinite(read.min) && Float.isFinite(read.max) && read.min <= read.max)) {
        throw new CollectorStateException(
            "extremes [" + read.min + ", " + read.max + "] are not a finite interval");
      }
    }
    return read;
  }

  @Override
  public boolean equals(@Nullable Object object) {
    return object instanceof Extremes other
        && finite == other.finite
        && nan == other.nan
        && infinite == other.infinite
        && Float.compare(min, other.min) == 0
        && Float.compare(max, other.max) == 0;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(finite) * 31 + Float.hashCode(max);
  }
}
