package dev.octet.quantize.demo;

/**
 * What an image shows: one figure per class, each told by its distance function in its own
 * coordinates, where the figure is centred at the origin and fits the square from (-1, -1) to (1,
 * 1), or nearly.
 *
 * <p>A distance here is negative inside, positive outside and zero on the outline; near the outline
 * it is about as long as the Euclidean distance, which is all that drawing a soft edge needs. Only
 * operations with one possible result are used: the basic ones, square root, and {@link StrictMath}
 * for the rest.
 */
enum Figure {
  DISC {
    @Override
    double distance(double x, double y) {
      return radius(x, y) - 0.9;
    }
  },
  RING {
    @Override
    double distance(double x, double y) {
      return Math.abs(radius(x, y) - 0.68) - 0.22;
    }
  },
  SQUARE {
    @Override
    double distance(double x, double y) {
      return box(x, y, 0.8, 0.8);
    }
  },
  TRIANGLE {
    @Override
    double distance(double x, double y) {
      return largest(projections(3, x, y)) - 0.55;
    }
  },
  HEXAGON {
    @Override
    double distance(double x, double y) {
      return largest(projections(6, x, y)) - 0.83;
    }
  },
  CROSS {
    @Override
    double distance(double x, double y) {
      return Math.min(box(x, y, 0.98, 0.32), box(x, y, 0.32, 0.98));
    }
  },
  /**
   * A point is in a five-pointed star when it is beyond at most one of the five lines that its
   * edges lie on.
   */
  STAR {
    @Override
    double distance(double x, double y) {
      return secondLargest(projections(5, x, y)) - 0.32;
    }
  },
  CRESCENT {
    @Override
    double distance(double x, double y) {
      return Math.max(radius(x, y) - 0.95, 0.72 - radius(x - 0.42, y));
    }
  },
  /** An Archimedean spiral: bands of the radius that shift by one pitch in one turn. */
  SPIRAL {
    @Override
    double distance(double x, double y) {
      double turns = StrictMath.atan2(y, x) / (2 * Math.PI);
      double band = band(radius(x, y) - turns * PITCH);
      return Math.max(radius(x, y) - 1, band);
    }
  },
  STRIPES {
    @Override
    double distance(double x, double y) {
      return Math.max(radius(x, y) - 1, band(x));
    }
  },
  CHECKERBOARD {
    @Override
    double distance(double x, double y) {
      double across = band(x);
      double down = band(y);
      double either = Math.min(Math.max(across, -down), Math.max(-across, down));
      return Math.max(radius(x, y) - 1, either);
    }
  },
  DOTS {
    @Override
    double distance(double x, double y) {
      double dot = radius(fromCellCentre(x), fromCellCentre(y)) - 0.32 * PITCH;
      return Math.max(radius(x, y) - 1, dot);
    }
  };

  /** The period of the figures that repeat. */
  private static final double PITCH = 0.55;

  /**
   * Returns the signed distance from ({@code x}, {@code y}) to the outline, in the figure's units.
   */
  abstract double distance(double x, double y);

  private static double radius(double x, double y) {
    return Math.sqrt(x * x + y * y);
  }

  private static double box(double x, double y, double halfWidth, double halfHeight) {
    return Math.max(Math.abs(x) - halfWidth, Math.abs(y) - halfHeight);
  }

  /** Parallel bands of half a pitch, one pitch apart. */
  private static double band(double x) {
    return Math.abs(fromCellCentre(x)) - 0.25 * PITCH;
  }

  private static double fromCellCentre(double x) {
    return x - PITCH * Math.floor(x / PITCH + 0.5);
  }

  /**
   * The lengths of a point along {@code count} directions spread evenly over the circle, the first
   * upwards.
   */
  private static double[] projections(int count, double x, double y) {
    double[] along = new double[count];
    for (int k = 0; k < count; k++) {
      along[k] = x * Directions.sine(count, k) + y * Directions.cosine(count, k);
    }
    return along;
  }

  private static double largest(double[] values) {
    double largest = values[0];
    for (double value : values) {
      largest = Math.max(largest, value);
    }
    return largest;
  }

  private static double secondLargest(double[] values) {
    double largest = Double.NEGATIVE_INFINITY;
    double second = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      second = Math.max(second, Math.min(value, largest));
      largest = Math.max(largest, value);
    }
    return second;
  }

  /** Sines and cosines of the k-th of n equal parts of a turn, computed once: fdlibm's are slow. */
  private static final class Directions {
    private static final int MOST = 6;
    private static final double[][] SINES = new double[MOST + 1][];
    private static final double[][] COSINES = new double[MOST + 1][];

    static {
      for (int count = 1; count <= MOST; count++) {
        SINES[count] = new double[count];
        COSINES[count] = new double[count];
        for (int k = 0; k < count; k++) {
          double angle = 2 * Math.PI * k / count;
          SINES[count][k] = StrictMath.sin(angle);
          COSINES[count][k] = StrictMath.cos(angle);
        }
      }
    }

    static double sine(int count, int k) {
      return SINES[count][k];
    }

    static double cosine(int count, int k) {
      return COSINES[count][k];
    }
  }
}
