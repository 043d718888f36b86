package dev.octet.quantize.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.quantize.report.TensorReport.Role;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReportRecordsTest {
  @Test
  void downsamplingMergesNeighbours() {
    long[] counts = new long[200];
    counts[0] = 1;
    counts[1] = 2;
    counts[199] = 4;

    ValueHistogram histogram = ValueHistogram.downsampled(0, 1, counts);

    assertThat(histogram.binWidth()).isEqualTo(2);
    assertThat(histogram.counts()).hasSize(100).startsWith(3L, 0L).endsWith(4L);
  }

  @Test
  void summarizesScalesByTheirMedian() {
    assertThat(ScaleSummary.of(3, 1, 2)).isEqualTo(new ScaleSummary(1, 2, 3, 3));
    assertThat(ScaleSummary.of(4, 1, 2, 3)).isEqualTo(new ScaleSummary(1, 2.5, 4, 4));
    assertThat(ScaleSummary.of(0.1)).isEqualTo(new ScaleSummary(0.1, 0.1, 0.1, 1));
    assertThatThrownBy(ScaleSummary::of).hasMessageContaining("no scale to summarize");
  }

  @Test
  void aReportDoesNotFollowTheListsItWasMadeFrom() {
    List<String> consumers = new ArrayList<>(List.of("a"));
    TensorReport tensor =
        TensorReport.of("t", Role.ACTIVATION, "uint8").between(null, consumers).build();
    consumers.add("b");

    assertThat(tensor.consumers()).containsExactly("a");
  }

  @Test
  void sayWhatIsWrongWithAValue() {
    assertThatThrownBy(() -> TensorReport.of("t", Role.WEIGHT, "int8").fit(1.5, null).build())
        .hasMessage("'saturated' is 1.5; give a fraction from 0 to 1, or null if not measured");
    assertThatThrownBy(() -> new ModelSize(-1, 0, 0))
        .hasMessage("'bytesBefore' is -1; it counts, so give 0 or more");
    assertThatThrownBy(() -> new Interval(2, 1))
        .hasMessage("interval [2.0, 1.0] is upside down; give the lower end first");
    assertThatThrownBy(() -> new StageTime("calibrate", Duration.ofMillis(-1)))
        .hasMessageContaining("stage 'calibrate' took PT-0.001S");
  }
}
