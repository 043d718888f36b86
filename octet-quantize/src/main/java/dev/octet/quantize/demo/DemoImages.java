package dev.octet.quantize.demo;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;

/**
 * Labelled colour images that are drawn, not stored: a geometric figure of random place, size, turn
 * and colour on a textured ground, partly hidden, under noise.
 *
 * <p>Image {@code i} depends on the seed and on {@code i} only, so images may be drawn in any
 * order, from any number of threads, and again. All arithmetic used is exactly specified (IEEE
 * basic operations, square root, {@link StrictMath}), so the bytes are the same on every machine
 * and JDK. Images of different seeds are independent draws from the same distribution. A collection
 * has no end: every index from 0 to {@link Integer#MAX_VALUE} is an image. Instances are immutable.
 */
public final class DemoImages {
  /** The figures in the order of their labels. */
  private static final List<Figure> FIGURES = List.of(Figure.values());

  /** The number of classes. */
  public static final int CLASSES = FIGURES.size();

  /** Colour channels of an image, in the order red, green, blue. */
  public static final int CHANNELS = 3;

  /** Width and height of an image in pixels. */
  public static final int SIZE = 32;

  /** The middle of an image, in the coordinates whose whole numbers are the middles of pixels. */
  static final double CENTRE = (SIZE - 1) / 2.0;

  /** The seed of the images that {@link DemoModel} was trained on. */
  public static final long TRAINING_SEED = 1;

  /** The seed of the images set aside for calibration. */
  public static final long CALIBRATION_SEED = 2;

  /**
   * The seed of the images set aside for evaluation; the documented accuracies are of its first
   * 2000.
   */
  public static final long EVALUATION_SEED = 3;

  private static final List<String> CLASS_NAMES =
      FIGURES.stream().map(figure -> figure.name().toLowerCase(Locale.ROOT)).toList();

  private final long seed;

  /**
   * Creates the collection of a seed; every value is a good one.
   *
   * @param seed what all images of the collection are drawn from
   */
  public DemoImages(long seed) {
    this.seed = seed;
  }

  /** Returns the names of the classes, lower case, in the order of their labels. */
  public static List<String> classNames() {
    return CLASS_NAMES;
  }

  /**
   * Draws an image.
   *
   * @param index which one, from 0
   * @return a new array of 3·32·32 unsigned bytes, [channel, row, column], row-major
   * @throws IllegalArgumentException if the index is negative
   */
  public byte[] image(int index) {
    Figure figure = FIGURES.get(label(index));
    return new Scene(figure, SplitMix64.ofItem(seed, index)).draw();
  }

  /**
   * Returns the class of an image. Labels go round, so the first n images of any collection hold
   * every class equally often, give or take one.
   *
   * @param index which image, from 0
   * @return the label, from 0 to {@link #CLASSES} - 1
   * @throws IllegalArgumentException if the index is negative
   */
  public int label(int index) {
    if (index < 0) {
      throw new IllegalArgumentException("image index is " + index + "; choose 0 or more");
    }
    return index % CLASSES;
  }

  /**
   * Writes the first images as PNG files, in a sub-folder for each class, over what may be there.
   *
   * @param part is made
   * @param count how many
   */
  public void write(Path part, int count) throws IOException {
    ImageIO.setUseCache(false);
    for (int label = 0; label < CLASSES; label++) {
      Files.createDirectories(classFolder(part, label));
    }
    try {
      IntStream.range(0, count)
          .parallel()
          .forEach(
              index -> {
                String name = String.format(Locale.ROOT, "%04d.png", index);
                writeImage(classFolder(part, label(index)).resolve(name), image(index));
              });
    } catch (UncheckedIOException e) {
      throw e.getCause() == null ? new IOException(e) : e.getCause();
    }
  }

  /** Folders sort as the labels do, which the names of the classes alone would not. */
  private static Path classFolder(Path part, int label) {
    return part.resolve(String.format(Locale.ROOT, "%02d-%s", label, CLASS_NAMES.get(label)));
  }

  private static void writeImage(Path file, byte[] pixels) {
    BufferedImage image = new BufferedImage(SIZE, SIZE, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < SIZE * SIZE; i++) {
      int red = pixels[i] & 0xff;
      int green = pixels[SIZE * SIZE + i] & 0xff;
      int blue = pixels[2 * SIZE * SIZE + i] & 0xff;
      image.setRGB(i % SIZE, i / SIZE, red << 16 | green << 8 | blue);
    }
    try {
      ImageIO.write(image, "png", file.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
