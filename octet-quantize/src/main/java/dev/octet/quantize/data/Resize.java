package dev.octet.quantize.data;

/**
 * Bilinear resizing with antialiasing: a triangle filter as wide as the reduction, along one axis
 * and then the other. Each pass rounds to 8 bits, as Pillow's does; results agree with Pillow to
 * within one grey level (it filters in fixed point).
 */
final class Resize {

  private Resize() {}

  static PixelImage to(PixelImage image, int width, int height) {
    PixelImage wide = width == image.width ? image : alongRows(image, width);
    return height == image.height ? wide : alongColumns(wide, height);
  }

  private static PixelImage alongRows(PixelImage from, int width) {
    byte[] to = new byte[Math.multiplyExact(Math.multiplyExact(width, from.height), from.channels)];
    for (int x = 0; x < width; x++) {
      Window window = Window.at(x, from.width, width);
      for (int y = 0; y < from.height; y++) {
        for (int c = 0; c < from.channels; c++) {
          float sum = 0;
          for (int i = 0; i < window.weights.length; i++) {
            sum += window.weights[i] * from.at(window.first + i, y, c);
          }
          to[(y * width + x) * from.channels + c] = level(sum);
        }
      }
    }
    return new PixelImage(width, from.height, from.channels, to);
  }

  private static PixelImage alongColumns(PixelImage from, int height) {
    byte[] to = new byte[Math.multiplyExact(Math.multiplyExact(from.width, height), from.channels)];
    for (int y = 0; y < height; y++) {
      Window window = Window.at(y, from.height, height);
      for (int x = 0; x < from.width; x++) {
        for (int c = 0; c < from.channels; c++) {
          float sum = 0;
          for (int i = 0; i < window.weights.length; i++) {
            sum += window.weights[i] * from.at(x, window.first + i, c);
          }
          to[(y * from.width + x) * from.channels + c] = level(sum);
        }
      }
    }
    return new PixelImage(from.width, height, from.channels, to);
  }

  private static byte level(float value) {
    return (byte) Math.max(0, Math.min(255, (int) Math.rint(value)));
  }

  /** The source pixels that make one target pixel, and their weights, which add up to 1. */
  private static final class Window {
    final int first;
    final float[] weights;

    private Window(int first, float[] weights) {
      this.first = first;
      this.weights = weights;
    }

    static Window at(int target, int sourceSize, int targetSize) {
      double scale = (double) sourceSize / targetSize;
      double support = Math.max(1, scale);
      double centre = (target + 0.5) * scale;
      int first = Math.max(0, (int) Math.floor(centre - support + 0.5));
      int end = Math.min(sourceSize, (int) Math.floor(centre + support + 0.5));
      double[] raw = new double[end - first];
      double sum = 0;
      for (int i = 0; i < raw.length; i++) {
        raw[i] = Math.max(0, 1 - Math.abs((first + i + 0.5 - centre) / support));
        sum += raw[i];
      }
      float[] weights = new float[raw.length];
      for (int i = 0; i < raw.length; i++) {
        weights[i] = (float) (raw[i] / sum);
      }
      return new Window(first, weights);
    }
  }
}
