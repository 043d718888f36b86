package dev.octet.quantize.demo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FigureTest {
  @ParameterizedTest
  @EnumSource
  void hasAnInsideAndLeavesTheCornersOfItsSquareOutside(Figure figure) {
    int inside = 0;
    for (int row = -20; row <= 20; row++) {
      for (int column = -20; column <= 20; column++) {
        inside += figure.distance(column / 20.0, row / 20.0) < 0 ? 1 : 0;
      }
    }
    assertThat(inside / (41.0 * 41.0)).isBetween(0.15, 0.75);
    assertThat(figure.distance(1.05, 1.05)).isPositive();
    assertThat(figure.distance(-1.05, 1.05)).isPositive();
  }

  /**
   * Moving by a step never changes the distance by much more than the step; seams would show as
   * sharp edges.
   */
  @ParameterizedTest
  @EnumSource
  void hasNoSeamAwayFromItsCentre(Figure figure) {
    double step = 1e-4;
    for (int i = 0; i < 4000; i++) {
      double x = -1 + i * 5e-4;
      double y = 0.3 + 0.1 * Math.sin(i * 0.01);
      assertThat(figure.distance(x + step, y) - figure.distance(x, y))
          .isBetween(-2 * step, 2 * step);
    }
  }

  @Test
  void aStarHasFivePoints() {
    for (int tenth = 0; tenth < 10; tenth++) {
      double angle = tenth * Math.PI / 5;
      double distance = Figure.STAR.distance(0.7 * Math.sin(angle), 0.7 * Math.cos(angle));
      assertThat(distance < 0)
          .as("a point at %d tenths of a turn", tenth)
          .isEqualTo(tenth % 2 == 0);
    }
  }
}
