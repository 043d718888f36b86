package dev.octet.quantize.data;

/**
 * A decoded image: 8-bit values, row by row, the channels of a pixel side by side; 1 channel (grey)
 * or 3 (red, green, blue). Takes the array over.
 */
public final class PixelImage {

  final int width;
  final int height;
  final int channels;
  final byte[] pixels;

  /**
   * An image over {@code pixels}, which it takes over.
   *
   * @throws IllegalArgumentException if the sizes are not positive, the channels not 1 or 3, or the
   *     array has another length than they make
   */
  public PixelImage(int width, int height, int channels, byte[] pixels) {
    if (width < 1 || height < 1 || (channels != 1 && channels != 3)) {
      throw new IllegalArgumentException(
          "image is "
              + width
              + " x "
              + height
              + " with "
              + channels
              + " channels; choose 1 pixel or more, and 1 or 3 channels");
    }
    if ((long) width * height * channels != pixels.length) {
      throw new IllegalArgumentException(
          width + " x " + height + " x " + channels + " is not " + pixels.length + " values");
    }
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.pixels = pixels;
  }

  /** The width in pixels. */
  public int width() {
    return width;
  }

  /** The height in pixels. */
  public int height() {
    return height;
  }

  /** 1 for grey, 3 for colours. */
  public int channels() {
    return channels;
  }

  /** The value, 0 to 255. */
  public int at(int x, int y, int channel) {
    return pixels[(y * width + x) * channels + channel] & 0xff;
  }

  /** Red, green, blue or grey made from what there is. */
  public int at(int x, int y, Tone tone) {
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

  /**
   * This at another size: bilinear with antialiasing, within one grey level of Pillow's.
   *
   * @throws IllegalArgumentException if a size is not positive
   */
  public PixelImage resized(int newWidth, int newHeight) {
    if (newWidth < 1 || newHeight < 1) {
      throw new IllegalArgumentException(
          "size is " + newWidth + " x " + newHeight + "; choose 1 or more for each");
    }
    return Resize.to(this, newWidth, newHeight);
  }

  /** What a channel of a tensor shows. */
  public enum Tone {
    /** Red, or the grey of a grey image. */
    RED,
    /** Green, or the grey of a grey image. */
    GREEN,
    /** Blue, or the grey of a grey image. */
    BLUE,
    /** The luma of a colour image, or the grey of a grey one. */
    GREY
  }
}
