package dev.octet.core.range;

import static dev.octet.core.range.CollectorKinds.INT8;
import static dev.octet.core.range.CollectorKinds.WHOLE;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** What the words "mergeable" and "order-independent" promise, on every kind, bit for bit. */
class MergeableRangeCollectorProperties {

  /** Any bits at all, and values of ordinary sizes: zeros, NaN, infinities, subnormals included. */
  @Provide
  Arbitrary<float[]> values() {
    Arbitrary<Float> bits = Arbitraries.integers().map(Float::intBitsToFloat);
    Arbitrary<Float> ordinary = Arbitraries.floats().between(-100, 100);
    Arbitrary<Float> special =
        Arbitraries.of(0f, -0f, Float.NaN, Float.POSITIVE_INFINITY, Float.MIN_VALUE, 1f, -1f);
    return Arbitraries.frequencyOf(
            net.jqwik.api.Tuple.of(1, bits),
            net.jqwik.api.Tuple.of(6, ordinary),
            net.jqwik.api.Tuple.of(2, special))
        .array(float[].class)
        .ofMaxSize(70);
  }

  @Provide
  Arbitrary<MergeableRangeCollector> empty() {
    return Arbitraries.of(CollectorKinds.mergeable()).map(make -> make.apply(WHOLE));
  }

  private static MergeableRangeCollector of(MergeableRangeCollector empty, float[] values) {
    MergeableRangeCollector collector = empty.merge(empty);
    collector.collect(values, new int[] {values.length, 1});
    return collector;
  }

  @Property
  void mergingIsAssociativeAndCommutative(
      @ForAll("empty") MergeableRangeCollector kind,
      @ForAll("values") float[] a,
      @ForAll("values") float[] b,
      @ForAll("values") float[] c) {
    assertThat(of(kind, a).merge(of(kind, b)).merge(of(kind, c)))
        .isEqualTo(of(kind, a).merge(of(kind, b).merge(of(kind, c))));
    assertThat(of(kind, a).merge(of(kind, b))).isEqualTo(of(kind, b).merge(of(kind, a)));
  }

  @Property
  void cutAnywhereAndMergedEqualsWhole(
      @ForAll("empty") MergeableRangeCollector kind,
      @ForAll("values") float[] values,
      @ForAll Random random) {
    int cut = random.nextInt(values.length + 1);
    float[] head = java.util.Arrays.copyOfRange(values, 0, cut);
    float[] tail = java.util.Arrays.copyOfRange(values, cut, values.length);
    MergeableRangeCollector whole = of(kind, values);
    assertThat(of(kind, head).merge(of(kind, tail))).isEqualTo(whole);
    MergeableRangeCollector inTurn = of(kind, tail);
    inTurn.collect(head, new int[] {head.length, 1});
    assertThat(inTurn).isEqualTo(whole);
    if (whole.observed().get(0).finite() > 0) {
      assertThat(inTurn.ranges()).isEqualTo(whole.ranges());
    }
  }

  @Property
  void theOrderOfValuesDoesNotMatter(
      @ForAll("empty") MergeableRangeCollector kind,
      @ForAll("values") float[] values,
      @ForAll Random random) {
    List<Float> shuffled = new ArrayList<>();
    for (float value : values) {
      shuffled.add(value);
    }
    Collections.shuffle(shuffled, random);
    float[] other = new float[values.length];
    for (int i = 0; i < other.length; i++) {
      other[i] = shuffled.get(i);
    }
    assertThat(of(kind, other)).isEqualTo(of(kind, values)).hasSameHashCodeAs(of(kind, values));
  }

  @Property
  void anEmptyCollectorIsNeutralAndOperandsStay(
      @ForAll("empty") MergeableRangeCollector kind, @ForAll("values") float[] values) {
    MergeableRangeCollector collected = of(kind, values);
    assertThat(collected.merge(kind)).isEqualTo(collected);
    assertThat(kind.merge(collected)).isEqualTo(collected);
    assertThat(collected).isEqualTo(of(kind, values));
    assertThat(kind.observed().get(0)).isEqualTo(new Observed(0, 0, 0, 0, 0));
  }

  @Property
  void savedAndReadBackEqualsAndCarriesOn(
      @ForAll("empty") MergeableRangeCollector kind,
      @ForAll("values") float[] values,
      @ForAll("values") float[] more)
      throws IOException {
    MergeableRangeCollector collected = of(kind, values);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    collected.writeTo(new DataOutputStream(bytes));
    RangeCollector read =
        RangeCollector.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
    assertThat(read).isEqualTo(collected);
    read.collect(more, new int[] {more.length, 1});
    collected.collect(more, new int[] {more.length, 1});
    assertThat(read).isEqualTo(collected);
  }

  @Property
  void everyFiniteValueIsCountedAndOthersAreLeftOut(
      @ForAll("empty") MergeableRangeCollector kind, @ForAll("values") float[] values) {
    long nan = 0;
    long infinite = 0;
    float min = Float.POSITIVE_INFINITY;
    float max = Float.NEGATIVE_INFINITY;
    for (float value : values) {
      nan += Float.isNaN(value) ? 1 : 0;
      infinite += Float.isInfinite(value) ? 1 : 0;
      if (Float.isFinite(value)) {
        min = Math.min(min, value);
        max = Math.max(max, value);
      }
    }
    Observed seen = of(kind, values).observed().get(0);
    assertThat(seen.nan()).isEqualTo(nan);
    assertThat(seen.infinite()).isEqualTo(infinite);
    assertThat(seen.finite()).isEqualTo(values.length - nan - infinite);
    if (seen.finite() > 0) {
      assertThat(seen.min()).isEqualTo(min + 0f);
      assertThat(seen.max()).isEqualTo(max + 0f);
    }
  }

  @Property
  void minMaxHoldsEverything(@ForAll("values") float[] values) {
    MinMaxCollector collector = new MinMaxCollector(WHOLE);
    collector.collect(values, 0, values.length);
    if (collector.observed().get(0).finite() == 0) {
      return;
    }
    Range range = collector.ranges().get(0);
    for (float value : values) {
      if (Float.isFinite(value)) {
        assertThat(value + 0f).isBetween(range.min(), range.max()); // -0.0 is 0.0
      }
    }
  }

  @Property(tries = 100)
  void everySearchStaysWithinWhatWasSeen(@ForAll("values") float[] values) {
    for (RangeSearch search : CollectorKinds.searches()) {
      for (Levels levels : List.of(INT8, CollectorKinds.UINT8_AFFINE)) {
        HistogramCollector collector = new HistogramCollector(WHOLE, search, levels);
        collector.collect(values, 0, values.length);
        Observed seen = collector.observed().get(0);
        if (seen.finite() > 0) {
          Range range = collector.ranges().get(0);
          float amax = Math.max(Math.abs(seen.min()), Math.abs(seen.max()));
          assertThat(range.amax()).as("%s %s", search, levels).isLessThanOrEqualTo(amax);
        }
      }
    }
  }

  @Property(tries = 200)
  void channelsAndBuffersOfAllKindsAgree(@ForAll("values") float[] pattern, @ForAll Random random) {
    if (pattern.length == 0) {
      return;
    }
    int[] shape = {1 + random.nextInt(3), 1 + random.nextInt(5), 1 + random.nextInt(100)};
    int axis = random.nextInt(3);
    float[] values = new float[shape[0] * shape[1] * shape[2]];
    for (int i = 0; i < values.length; i++) {
      values[i] = pattern[random.nextInt(pattern.length)];
    }
    FloatBuffer direct = ByteBuffer.allocateDirect(4 * values.length).asFloatBuffer();
    direct.put(values).flip();
    MinMaxCollector fromArray = new MinMaxCollector(CollectorKinds.channels(axis, shape[axis]));
    MinMaxCollector fromBuffer = new MinMaxCollector(CollectorKinds.channels(axis, shape[axis]));
    fromArray.collect(values, shape);
    fromBuffer.collect(direct, shape);
    assertThat(fromBuffer).isEqualTo(fromArray);
    int stride = axis == 0 ? shape[1] * shape[2] : axis == 1 ? shape[2] : 1;
    MinMaxCollector[] one = new MinMaxCollector[shape[axis]];
    for (int c = 0; c < one.length; c++) {
      one[c] = new MinMaxCollector(WHOLE);
    }
    for (int i = 0; i < values.length; i++) {
      one[i / stride % shape[axis]].collect(values, i, 1);
    }
    for (int c = 0; c < one.length; c++) {
      assertThat(fromArray.observed().get(c)).isEqualTo(one[c].observed().get(0));
    }
  }
}
