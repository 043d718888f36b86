package dev.octet.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The short form of {@link EngineFuzz}, from a seed that stays the same. */
class EngineFuzzTest {

  @Test
  void damagedModelsAreRunOrRefused() throws Exception {
    EngineFuzz.Outcome outcome = EngineFuzz.search(1, 1500, 60);
    assertThat(outcome.isClean()).as(outcome.toString()).isTrue();
    assertThat(outcome.trials()).isPositive();
  }
}
