package dev.octet.quantize.demo;

/**
 * A field of brightness over an image, roughly from -1 to 1: a slope, waves and clouds in random
 * parts.
 *
 * <p>The waves are triangular and the clouds are random values on a coarse grid, smoothly
 * interpolated ("value noise").
 */
final class Texture {
  /** Pixels between two grid points of the clouds. */
  private static final int CELL = 8;

  private static final int GRID = DemoImages.SIZE / CELL + 1;

  private final double slope;
  private final double waves;
  private final double clouds;
  private final double cosine;
  private final double sine;
  private final double wavelength;
  private final double phase;
  private final double[] grid = new double[GRID * GRID];

  /** Draws the parameters of a texture. */
  Texture(SplitMix64 random) {
    slope = random.uniform(-1, 1);
    waves = random.chance(0.5) ? random.uniform(0, 0.8) : 0;
    clouds = random.uniform(0.2, 1);
    double angle = random.uniform(0, 2 * Math.PI);
    cosine = StrictMath.cos(angle);
    sine = StrictMath.sin(angle);
    wavelength = random.uniform(5, 20);
    phase = random.uniform(0, 1);
    for (int i = 0; i < grid.length; i++) {
      grid[i] = random.uniform(-1, 1);
    }
  }

  /** Returns the brightness at the pixel in column {@code x} and row {@code y}. */
  double at(int x, int y) {
    double along = cosine * (x - DemoImages.CENTRE) + sine * (y - DemoImages.CENTRE);
    return slope * along / DemoImages.SIZE
        + waves * triangle(along / wavelength + phase)
        + clouds * cloud(x, y);
  }

  /** A triangular wave of period 1 between -1 and 1. */
  private static double triangle(double t) {
    return 4 * Math.abs(t - Math.floor(t) - 0.5) - 1;
  }

  private double cloud(int x, int y) {
    int column = x / CELL;
    int row = y / CELL;
    double right = smooth((x % CELL) / (double) CELL);
    double down = smooth((y % CELL) / (double) CELL);
    int corner = row * GRID + column;
    double top = grid[corner] + right * (grid[corner + 1] - grid[corner]);
    double bottom = grid[corner + GRID] + right * (grid[corner + GRID + 1] - grid[corner + GRID]);
    return top + down * (bottom - top);
  }

  private static double smooth(double t) {
    return t * t * (3 - 2 * t);
  }
}
