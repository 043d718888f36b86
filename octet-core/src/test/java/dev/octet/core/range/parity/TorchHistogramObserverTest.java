package dev.octet.core.range.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.range.Range;
import org.junit.jupiter.api.Test;

final class TorchHistogramObserverTest {
  private static final float[] FIRST = {-1, 0.25f, 0.5f, 2};
  private static final float[] SECOND = {-3, 0.1f, 4};

  @Test
  void whatIsResumedGoesOnAsIfNothingHadHappened() {
    TorchHistogramObserver whole = new TorchHistogramObserver(64, 16, 256);
    whole.collect(FIRST);
    TorchHistogramObserver resumed =
        TorchHistogramObserver.resume(16, 256, whole.histogram(), whole.observed());
    whole.collect(SECOND);
    resumed.collect(SECOND);
    assertThat(resumed.histogram()).isEqualTo(whole.histogram());
    assertThat(resumed.observed()).isEqualTo(new Range(-3, 4));
    assertThat(resumed.search()).isEqualTo(whole.search());
  }

  @Test
  void countsThatAreNoneAreRefused() {
    for (double count : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(
              () ->
                  TorchHistogramObserver.resume(16, 256, new double[] {1, count}, new Range(0, 1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no count");
    }
  }
}
