package dev.octet.quantize.data;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.Set;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** Decodes image files with the JDK's readers, after looking at the size that they declare. */
final class ImageDecoder {

  // The JDK reads more, but TIFF's many variants are not worth trusting a stranger's file with.
  private static final Set<String> FORMATS = Set.of("jpeg", "png", "bmp", "gif");
  private static final long LARGEST_FILE = 1 << 28;

  private ImageDecoder() {}

  /**
   * The image's first picture. Transparency is dropped and a camera's rotation mark is not applied,
   * as in torchvision's loader.
   */
  static PixelImage decode(Path file, long maxPixels) {
    try {
      if (Files.size(file) > LARGEST_FILE) {
        throw new UnreadableSampleException(
            "'" + file.getFileName() + "' has " + Files.size(file) + " bytes; too many");
      }
      byte[] bytes = Files.readAllBytes(file);
      try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
        return decode(in, file, maxPixels);
      }
    } catch (UnreadableSampleException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The JDK's readers answer a damaged file with many kinds of unchecked exception.
      throw new UnreadableSampleException(
          "'" + file.getFileName() + "' cannot be decoded: " + reason(e), e);
    }
  }

  private static PixelImage decode(ImageInputStream in, Path file, long maxPixels)
      throws IOException {
    Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
    if (!readers.hasNext()) {
      throw new UnreadableSampleException(
          "'" + file.getFileName() + "' is in no known image format; convert it to JPEG or PNG");
    }
    ImageReader reader = readers.next();
    try {
      if (!FORMATS.contains(reader.getFormatName().toLowerCase(Locale.ROOT))) {
        throw new UnreadableSampleException(
            "'"
                + file.getFileName()
                + "' is a "
                + reader.getFormatName()
                + " image; convert it to JPEG or PNG");
      }
      reader.setInput(in, true, true);
      int width = reader.getWidth(0);
      int height = reader.getHeight(0);
      if ((long) width * height > maxPixels) {
        throw new UnreadableSampleException(
            "'"
                + file.getFileName()
                + "' is "
                + width
                + " x "
                + height
                + " pixels; up to "
                + maxPixels
                + " in all are decoded");
      }
      return pixels(reader.read(0));
    } finally {
      reader.dispose();
    }
  }

  private static PixelImage pixels(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    Raster raster = image.getRaster();
    // getRGB would brighten grey images: the JDK takes its grey colour space for a linear one.
    boolean grey = image.getColorModel().getColorSpace().getType() == ColorSpace.TYPE_GRAY;
    byte[] values = new byte[Math.multiplyExact(width * height, grey ? 1 : 3)];
    int[] row = new int[width];
    int at = 0;
    int bits = image.getColorModel().getComponentSize(0);
    for (int y = 0; y < height; y++) {
      if (grey) {
        raster.getSamples(0, y, width, 1, 0, row);
        for (int x = 0; x < width; x++) {
          values[at++] =
              (byte) (bits > 8 ? row[x] >> (bits - 8) : row[x] * 255 / ((1 << bits) - 1));
        }
      } else {
        image.getRGB(0, y, width, 1, row, 0, width);
        for (int x = 0; x < width; x++) {
          values[at++] = (byte) (row[x] >> 16);
          values[at++] = (byte) (row[x] >> 8);
          values[at++] = (byte) row[x];
        }
      }
    }
    return new PixelImage(width, height, grey ? 1 : 3, values);
  }

  private static String reason(Exception e) {
    String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return message.contains("Unsupported Image Type")
        ? "its colours are CMYK or YCCK, which the JDK does not decode; convert it to RGB"
        : message;
  }
}
