package dev.octet.quantize.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

class ValueHistogramProperties {
  @Property(tries = 100)
  void downsamplingLosesNoValue(
      @ForAll @Size(min = 1, max = 3000) List<@LongRange(min = 0, max = 1L << 40) Long> counts) {
    ValueHistogram histogram =
        ValueHistogram.downsampled(-1, 0.5, counts.stream().mapToLong(Long::longValue).toArray());

    assertThat(histogram.counts()).hasSizeLessThanOrEqualTo(ValueHistogram.MAX_BINS);
    assertThat(sum(histogram.counts())).isEqualTo(sum(counts));
    assertThat(histogram.lowerEdge()).isEqualTo(-1);
    assertThat(histogram.binWidth() * histogram.counts().size())
        .as("covers every bin given")
        .isGreaterThanOrEqualTo(0.5 * counts.size());
  }

  private static long sum(List<Long> counts) {
    return counts.stream().mapToLong(Long::longValue).sum();
  }
}
