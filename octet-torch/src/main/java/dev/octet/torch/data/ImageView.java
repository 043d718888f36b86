package dev.octet.torch.data;

import dev.octet.quantize.data.PixelImage;
import java.util.stream.IntStream;

/**
 * An image seen through flips and crops, which copy no pixel: each row and each column of the view
 * is one of the image, or outside and then black. Immutable.
 */
public final class ImageView {

  private static final int OUTSIDE = -1;

  private final PixelImage image;
  private final int[] rows;
  private final int[] columns;

  private ImageView(PixelImage image, int[] rows, int[] columns) {
    this.image = image;
    this.rows = rows;
    this.columns = columns;
  }

  /** What a crop shows where it reaches over the edge. */
  public enum Padding {
    /** Black. */
    ZERO,
    /** The image mirrored at its outermost pixels, which are not repeated. */
    REFLECT
  }

  /** The whole image. */
  public static ImageView of(PixelImage image) {
    return new ImageView(
        image,
        IntStream.range(0, image.height()).toArray(),
        IntStream.range(0, image.width()).toArray());
  }

  /** The height in pixels. */
  public int height() {
    return rows.length;
  }

  /** The width in pixels. */
  public int width() {
    return columns.length;
  }

  /** A value, 0 to 255; 0 outside of the image. */
  public int at(int x, int y, PixelImage.Tone tone) {
    return rows[y] == OUTSIDE || columns[x] == OUTSIDE ? 0 : image.at(columns[x], rows[y], tone);
  }

  /** This with left and right exchanged. */
  public ImageView flipped() {
    int[] mirrored = new int[columns.length];
    for (int x = 0; x < mirrored.length; x++) {
      mirrored[x] = columns[mirrored.length - 1 - x];
    }
    return new ImageView(image, rows, mirrored);
  }

  /**
   * A part of this, which may reach over its edges.
   *
   * @param top the first row, negative above the edge
   * @param left the first column, negative left of the edge
   * @throws IllegalArgumentException if a size is not positive, or {@code REFLECT} has to reach
   *     further out than the view is wide
   */
  public ImageView cropped(int top, int left, int height, int width, Padding padding) {
    return new ImageView(
        image, cropped(rows, top, height, padding), cropped(columns, left, width, padding));
  }

  private static int[] cropped(int[] from, int start, int size, Padding padding) {
    if (size < 1) {
      throw new IllegalArgumentException("crop has a side of " + size + "; choose 1 or more");
    }
    int last = from.length - 1;
    int[] part = new int[size];
    for (int i = 0; i < size; i++) {
      int at = start + i;
      if (padding == Padding.REFLECT) {
        at = at < 0 ? -at : at > last ? 2 * last - at : at;
        if (at < 0 || at > last) {
          throw new IllegalArgumentException(
              "crop from "
                  + start
                  + " to "
                  + (start + size - 1)
                  + " reaches too far over 0 to "
                  + last
                  + " to mirror; choose less padding");
        }
      }
      part[i] = at < 0 || at > last ? OUTSIDE : from[at];
    }
    return part;
  }

  /**
   * This at another size, bilinear with antialiasing as {@link PixelImage#resized} has it.
   *
   * @throws IllegalArgumentException if a size is not positive
   */
  public ImageView resized(int height, int width) {
    int channels = image.channels();
    byte[] pixels = new byte[Math.multiplyExact(rows.length * columns.length, channels)];
    int next = 0;
    for (int row : rows) {
      for (int column : columns) {
        for (int c = 0; c < channels; c++) {
          boolean outside = row == OUTSIDE || column == OUTSIDE;
          pixels[next++] = (byte) (outside ? 0 : image.at(column, row, c));
        }
      }
    }
    return of(new PixelImage(width(), height(), channels, pixels).resized(width, height));
  }
}
