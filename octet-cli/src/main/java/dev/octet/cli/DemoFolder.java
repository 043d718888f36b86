package dev.octet.cli;

import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.demo.DemoModel;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;

/** The demo's model and images as files, as a user would have them. */
record DemoFolder(Path folder) {
  /** What the model was trained to be fed, as options of the command. */
  static final String PREPROCESSING =
      "--mean " + DemoModel.MEAN + " --std " + DemoModel.STANDARD_DEVIATION;

  /** The float model. */
  Path model() {
    return folder.resolve("demo.onnx");
  }

  /** Its images: {@code train} and {@code test}, a sub-folder for each class. */
  Path images() {
    return folder.resolve("images");
  }

  /** Writes everything, over what may be there. */
  void write(int calibration, int evaluation) throws IOException {
    Files.createDirectories(folder);
    Files.write(model(), DemoModel.onnx());
    write(images().resolve("train"), new DemoImages(DemoImages.CALIBRATION_SEED), calibration);
    write(images().resolve("test"), new DemoImages(DemoImages.EVALUATION_SEED), evaluation);
  }

  private static void write(Path part, DemoImages images, int count) throws IOException {
    ImageIO.setUseCache(false);
    for (int label = 0; label < DemoImages.CLASSES; label++) {
      Files.createDirectories(classFolder(part, label));
    }
    IntStream.range(0, count)
        .parallel()
        .forEach(
            index -> {
              Path folder = classFolder(part, images.label(index));
              Path file = folder.resolve(String.format(Locale.ROOT, "%04d.png", index));
              write(file, images.image(index));
            });
  }

  /** Folders sort as the labels do, which the names of the classes alone would not. */
  private static Path classFolder(Path part, int label) {
    return part.resolve(
        String.format(Locale.ROOT, "%02d-%s", label, DemoImages.classNames().get(label)));
  }

  private static void write(Path file, byte[] pixels) {
    int side = DemoImages.SIZE;
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < side * side; i++) {
      int red = pixels[i] & 0xff;
      int green = pixels[side * side + i] & 0xff;
      int blue = pixels[2 * side * side + i] & 0xff;
      image.setRGB(i % side, i / side, red << 16 | green << 8 | blue);
    }
    try {
      ImageIO.write(image, "png", file.toFile());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
