package dev.octet.quantize.data;

/**
 * A decoded image: 8-bit values, row by row, the channels of a pixel side by side; 1 channel (grey)
 * or 3 (red, green, blue). Takes the array over.
 */
final class PixelImage {

  final int width;
  final int height;
  final int channels;
  final byte[] pixels;

  PixelImage(int width, int height, int channels, byte[] pixels) {
    if ((long) width * height * channels != pixels.length) {
      throw new IllegalArgumentException(
          width + " x " + height + " x " + channels + " is not " + pixels.length + " values");
    }
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.pixels = pixels;
  }

  /** The value, 0 to 255. */
  int at(int x, int y, int channel) {
    return pixels[(y * width + x) * channels + channel] & 0xff;
  }

  /** Red, green, blue or grey made from what there is. */
  int at(int x, int y, Tone tone) {
    if (channels == 1) {
      return at(x, y, 0);
    }
    return switch (tone) {
      case RED -> at(x, y, 0);
      case GREEN -> at(x, y, 1);
      case BLUE -> at(x, y, 2);
      // ITU-R BT.601 luma in 16-bit fixed point, as Pillow's convert("L") computes it.
      case GREY -> (at(x, y, 0) * 19595 + at(x, y, 1) * 38470 + at(x, y, 2) * 7471 + 0x8000) >> 16;
    };
  }

  /** What a channel of a tensor shows. */
  enum Tone {
    RED,
    GREEN,
    BLUE,
    GREY
  }
}
