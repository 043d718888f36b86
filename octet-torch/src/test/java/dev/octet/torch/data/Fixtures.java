package dev.octet.torch.data;

import dev.octet.quantize.data.PixelImage;
import dev.octet.quantize.data.Preprocessing;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;

/** Small data sets, made up. */
final class Fixtures {

  private Fixtures() {}

  static PixelImage image(int width, int height, int channels, long seed) {
    byte[] pixels = new byte[width * height * channels];
    new Random(seed).nextBytes(pixels);
    return new PixelImage(width, height, channels, pixels);
  }

  /** Colour images of noise; the label is the index, so that a batch tells which ones it has. */
  static Dataset noise(int count, int side, Preprocessing how) {
    List<Example> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(new Example.Image(image(side, side, 3, i), how, i, "noise[" + i + "]"));
    }
    return Dataset.of(all);
  }

  static Path write(Path file, byte[] bytes) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      return Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** CIFAR-10 records with pixels of noise. */
  static byte[] cifar(int... labels) {
    ByteBuffer file = ByteBuffer.allocate(3073 * labels.length);
    Random random = new Random(5);
    byte[] pixels = new byte[3072];
    for (int label : labels) {
      random.nextBytes(pixels);
      file.put((byte) label).put(pixels);
    }
    return file.array();
  }

  static Path png(Path file, int width, int height, int rgb) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        image.setRGB(x, y, rgb + x);
      }
    }
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      ImageIO.write(image, "png", file.toFile());
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A .npy file of int64 values. */
  static Path npy(Path file, String shape, long... values) {
    ByteBuffer elements = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long value : values) {
      elements.putLong(value);
    }
    return write(file, npy("<i8", shape, elements.array()));
  }

  /** A .npy file of float32 values. */
  static Path npy(Path file, String shape, float... values) {
    ByteBuffer elements = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      elements.putFloat(value);
    }
    return write(file, npy("<f4", shape, elements.array()));
  }

  private static byte[] npy(String type, String shape, byte[] elements) {
    String head = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
    head = head + " ".repeat(63 - (head.length() + 10) % 64) + "\n";
    ByteBuffer file =
        ByteBuffer.allocate(10 + head.length() + elements.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    file.putShort((short) head.length());
    return file.put(head.getBytes(StandardCharsets.ISO_8859_1)).put(elements).array();
  }
}
