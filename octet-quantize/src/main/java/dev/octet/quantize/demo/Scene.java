package dev.octet.quantize.demo;

/**
 * One image in the making: a figure somewhere on a textured ground, sometimes with bars before it,
 * under noise.
 *
 * <p>The constructor draws every choice in one fixed order; {@link #draw} then only draws the
 * noise. Changing the order or any constant changes the images, and with them the accuracy that
 * {@code docs/demo-model.md} states.
 */
final class Scene {
  private static final int SIZE = DemoImages.SIZE;
  private static final int CHANNELS = DemoImages.CHANNELS;

  private final SplitMix64 random;
  private final Figure figure;
  private final Placement placement;
  private final double[] ground;
  private final double[] paint;
  private final Texture groundTexture;
  private final Texture paintTexture;
  private final double groundDepth;
  private final double paintDepth;
  private final Bar[] bars;
  private final double noise;

  Scene(Figure figure, SplitMix64 random) {
    this.random = random;
    this.figure = figure;
    placement = new Placement(random);
    ground = new double[CHANNELS];
    for (int c = 0; c < CHANNELS; c++) {
      ground[c] = random.uniform(40, 215);
    }
    paint = contrasting(ground, random.uniform(70, 150), random);
    groundTexture = new Texture(random);
    paintTexture = new Texture(random);
    groundDepth = random.uniform(5, 40);
    paintDepth = random.uniform(0, 25);
    bars = new Bar[random.chance(0.35) ? 1 : random.chance(0.25) ? 2 : 0];
    for (int i = 0; i < bars.length; i++) {
      bars[i] = new Bar(random);
    }
    noise = random.uniform(3, 20);
  }

  /**
   * Returns the pixels, [3, 32, 32] in row-major order, each an unsigned byte. To be called once: a
   * second call would draw other noise.
   */
  byte[] draw() {
    byte[] pixels = new byte[CHANNELS * SIZE * SIZE];
    for (int y = 0; y < SIZE; y++) {
      for (int x = 0; x < SIZE; x++) {
        double cover = placement.cover(figure, x, y);
        double behind = groundDepth * groundTexture.at(x, y);
        double inFront = paintDepth * paintTexture.at(x, y);
        for (int c = 0; c < CHANNELS; c++) {
          double value = blend(ground[c] + behind, paint[c] + inFront, cover);
          for (Bar bar : bars) {
            value = blend(value, bar.colour[c], bar.cover(x, y));
          }
          value += noise * random.nearlyNormal();
          pixels[(c * SIZE + y) * SIZE + x] = (byte) (int) (clamp(value, 0, 255) + 0.5);
        }
      }
    }
    return pixels;
  }

  /**
   * A colour at the given distance from another, in a random direction; a channel that would leave
   * the range of a pixel goes the other way, so that bright and dark grounds keep their contrast.
   */
  private static double[] contrasting(double[] from, double distance, SplitMix64 random) {
    double[] direction = new double[CHANNELS];
    double squares = 1e-6; // keeps the length positive
    for (int c = 0; c < CHANNELS; c++) {
      direction[c] = random.uniform(-1, 1);
      squares += direction[c] * direction[c];
    }
    double step = distance / Math.sqrt(squares);
    double[] colour = new double[CHANNELS];
    for (int c = 0; c < CHANNELS; c++) {
      double moved = from[c] + step * direction[c];
      colour[c] = moved >= 0 && moved <= 255 ? moved : from[c] - step * direction[c];
    }
    return colour;
  }

  private static double blend(double below, double above, double cover) {
    return below + cover * (above - below);
  }

  private static double clamp(double value, double low, double high) {
    return Math.max(low, Math.min(high, value));
  }

  /**
   * How much of a pixel lies inside an outline at this signed distance, in pixels: a ramp one pixel
   * wide.
   */
  private static double softEdge(double distance) {
    return clamp(0.5 - distance, 0, 1);
  }

  /** Where the figure is: centre, half-width and half-height in pixels, and a turn. */
  private static final class Placement {
    private final double centreX;
    private final double centreY;
    private final double halfWidth;
    private final double halfHeight;
    private final double cosine;
    private final double sine;

    Placement(SplitMix64 random) {
      double size = random.uniform(8, 13);
      double aspect = random.uniform(0.85, 1.15);
      halfWidth = size * aspect;
      halfHeight = size / aspect;
      // A fifth of a figure may leave the image.
      double play = DemoImages.CENTRE - 0.8 * size;
      centreX = DemoImages.CENTRE + random.uniform(-play, play);
      centreY = DemoImages.CENTRE + random.uniform(-play, play);
      double angle = random.uniform(0, 2 * Math.PI);
      cosine = StrictMath.cos(angle);
      sine = StrictMath.sin(angle);
    }

    double cover(Figure figure, int x, int y) {
      double right = x - centreX;
      double down = y - centreY;
      double along = (cosine * right + sine * down) / halfWidth;
      double across = (cosine * down - sine * right) / halfHeight;
      return softEdge(figure.distance(along, across) * Math.min(halfWidth, halfHeight));
    }
  }

  /** An opaque bar through the image that hides part of the figure. */
  private static final class Bar {
    private final double[] colour = new double[CHANNELS];
    private final double cosine;
    private final double sine;
    private final double offset;
    private final double halfWidth;

    Bar(SplitMix64 random) {
      for (int c = 0; c < CHANNELS; c++) {
        colour[c] = random.uniform(0, 255);
      }
      double angle = random.uniform(0, Math.PI);
      cosine = StrictMath.cos(angle);
      sine = StrictMath.sin(angle);
      offset = random.uniform(-8, 8);
      halfWidth = random.uniform(0.7, 2.5);
    }

    double cover(int x, int y) {
      double along = cosine * (x - DemoImages.CENTRE) + sine * (y - DemoImages.CENTRE) - offset;
      return softEdge(Math.abs(along) - halfWidth);
    }
  }
}
