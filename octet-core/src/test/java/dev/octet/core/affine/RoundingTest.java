package dev.octet.core.affine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RoundingTest {
  @Test
  void roundsAsMathRintDoesAroundEveryTieInReach() {
    // Both functions are monotone, so they agree everywhere if they agree on every integer, every
    // tie and the neighbours of every tie. The last tie below 2^22 is 2^22 - 0.5.
    int limit = (int) Rounding.LIMIT;
    for (int k = -limit; k < limit; k++) {
      float tie = k + 0.5f;
      check(k);
      check(Math.nextDown(tie));
      check(tie);
      check(Math.nextUp(tie));
    }
    check(limit);
  }

  private static void check(float v) {
    if (Rounding.nearest(v) != (float) Math.rint(v)) {
      assertThat(Rounding.nearest(v)).as("nearest(%s)", v).isEqualTo((float) Math.rint(v));
    }
  }

  @Test
  void keepsNan() {
    assertThat(Rounding.nearest(Float.NaN)).isNaN();
  }

  @Test
  void roundsTiesToEven() {
    assertThat(Rounding.nearest(0.5f)).isEqualTo(0f);
    assertThat(Rounding.nearest(1.5f)).isEqualTo(2f);
    assertThat(Rounding.nearest(2.5f)).isEqualTo(2f);
    assertThat(Rounding.nearest(-2.5f)).isEqualTo(-2f);
  }
}
