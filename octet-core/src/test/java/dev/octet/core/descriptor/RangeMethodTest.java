package dev.octet.core.descriptor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RangeMethodTest {
  private static final List<String> TEXTS =
      List.of(
          "minmax",
          "moving-average:0.01",
          "percentile:99.99",
          "entropy",
          "mse",
          "octav",
          "aciq:laplace",
          "aciq:gauss",
          "nsigma:3.0",
          "average");

  @Test
  void readsWhatItWritesForEveryKind() {
    for (String text : TEXTS) {
      assertThat(RangeMethod.parse(text)).hasToString(text);
      assertThat(RangeMethod.parse(" " + text.toUpperCase(java.util.Locale.ROOT)))
          .hasToString(text);
    }
    Set<Class<?>> seen =
        TEXTS.stream().map(text -> RangeMethod.parse(text).getClass()).collect(Collectors.toSet());
    assertThat(seen)
        .containsExactlyInAnyOrderElementsOf(
            Arrays.asList(RangeMethod.class.getPermittedSubclasses()));
  }

  @ParameterizedTest
  @CsvSource({
    "percentile, percentile:99.99",
    "moving-average, moving-average:0.01",
    "nsigma, nsigma:3.0",
    "aciq, aciq:laplace"
  })
  void hasDefaultSettings(String text, String full) {
    assertThat(RangeMethod.parse(text)).isEqualTo(RangeMethod.parse(full));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "percentile:50 | percentile is 50.0; choose above 50 and at most 100",
        "percentile:NaN | percentile is NaN; choose above 50 and at most 100",
        "moving-average:0 | moving average constant is 0.0; choose above 0 and at most 1",
        "nsigma:-1 | number of deviations is -1.0; choose above 0",
        "aciq:cauchy | range method 'aciq:cauchy' names no distribution; choose laplace or gauss",
        "percentile:x | range method 'percentile:x' needs a number after the colon",
        "mse:3 | range method 'mse:3' has a setting; 'mse' takes none"
      })
  void refusesSettingsThatMeanNothing(String text, String message) {
    assertThatThrownBy(() -> RangeMethod.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "kl", "min-max", ":", "entropy entropy"})
  void namesTheKindsWhereItKnowsNone(String text) {
    assertThatThrownBy(() -> RangeMethod.parse(text))
        .hasMessageContaining("is not known; choose minmax, moving-average, percentile, entropy");
  }
}
