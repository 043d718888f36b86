package dev.octet.core.range;

import dev.octet.core.range.ChannelCollector.Subject;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;

/** Every kind of collector, for tests that hold for all of them. */
final class CollectorKinds {
  static final Levels INT8 = new Levels(8, true, true, false);
  static final Levels UINT8_AFFINE = new Levels(8, false, false, false);
  static final Subject WHOLE = new Subject("x", OptionalInt.empty(), 1);

  private CollectorKinds() {}

  static Subject channels(int axis, int channels) {
    return new Subject("x", OptionalInt.of(axis), channels);
  }

  static List<RangeSearch> searches() {
    return List.of(
        new RangeSearch.Percentile(99.9),
        new RangeSearch.Entropy(),
        new RangeSearch.Mse(),
        new RangeSearch.Octav(),
        new RangeSearch.AciqLaplace(),
        new RangeSearch.AciqGauss(),
        new RangeSearch.Sigma(3));
  }

  /** Makers of an empty collector of each mergeable kind. */
  static List<Function<Subject, MergeableRangeCollector>> mergeable() {
    return List.of(
        MinMaxCollector::new,
        SampleAverageCollector::new,
        subject -> new HistogramCollector(subject, new RangeSearch.Mse(), INT8));
  }
}
