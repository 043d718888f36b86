package dev.octet.core.range.parity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.range.Range;
import org.junit.jupiter.api.Test;

/** Values of LibTorch's rule that no golden case has, worked out by hand. */
final class ChosenParametersTest {
  @Test
  void theRangeIsWidenedToHoldZero() {
    assertThat(TorchQuantizationParameters.chosen(new Range(1, 2.55f), 0, 255))
        .isEqualTo(new TorchQuantizationParameters(0.01f, 0));
    assertThat(TorchQuantizationParameters.chosen(new Range(-2.55f, -1), 0, 255))
        .isEqualTo(new TorchQuantizationParameters(0.01f, 255));
    assertThat(TorchQuantizationParameters.chosen(new Range(-2, 49), -128, 127))
        .isEqualTo(new TorchQuantizationParameters(0.2f, -118));
  }

  @Test
  void aRangeWithoutWidthGetsATenth() {
    assertThat(TorchQuantizationParameters.chosen(new Range(0, 0), 0, 255))
        .isEqualTo(new TorchQuantizationParameters(0.1f, 0));
    assertThat(TorchQuantizationParameters.chosen(new Range(0, 1e-40f), 0, 255).scale())
        .isEqualTo(0.1f);
  }

  @Test
  void aSmallScaleIsCutOffAndTheZeroPointStaysWhereItWas() {
    assertThat(TorchQuantizationParameters.chosen(new Range(0, 1e-3f), 0, 255))
        .isEqualTo(new TorchQuantizationParameters(6.1e-5f, 0));
    assertThat(TorchQuantizationParameters.chosen(new Range(-1e-3f, 0), 0, 255))
        .isEqualTo(new TorchQuantizationParameters(6.1e-5f, 255));
    assertThat(TorchQuantizationParameters.chosen(new Range(-1e-3f, 3e-3f), 0, 255))
        .isEqualTo(new TorchQuantizationParameters(6.1e-5f, 64));
  }
}
