package dev.octet.examples;

import dev.octet.quantize.data.PixelImage;
import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.torch.data.Dataset;
import dev.octet.torch.data.Example;

/** The demo's drawn images as a data set, so that an example needs no download. */
final class DrawnImages implements Dataset {
  private final DemoImages drawn;
  private final byte[][] images;

  private DrawnImages(DemoImages drawn, byte[][] images) {
    this.drawn = drawn;
    this.images = images;
  }

  /** The first images of a seed, drawn once. */
  static DrawnImages of(long seed, int count) {
    DemoImages drawn = new DemoImages(seed);
    byte[][] images = new byte[count][];
    java.util.stream.IntStream.range(0, count)
        .parallel()
        .forEach(index -> images[index] = interleaved(drawn.image(index)));
    return new DrawnImages(drawn, images);
  }

  @Override
  public int size() {
    return images.length;
  }

  @Override
  public Example get(int index) {
    return new Example.Image(
        new PixelImage(DemoImages.SIZE, DemoImages.SIZE, DemoImages.CHANNELS, images[index]),
        DemoModel.preprocessing(),
        label(index),
        "drawn image " + index);
  }

  @Override
  public int label(int index) {
    return drawn.label(index);
  }

  @Override
  public String description() {
    return images.length + " drawn images";
  }

  /** Planes to pixels. */
  private static byte[] interleaved(byte[] planes) {
    int pixels = planes.length / DemoImages.CHANNELS;
    byte[] image = new byte[planes.length];
    for (int i = 0; i < pixels; i++) {
      for (int channel = 0; channel < DemoImages.CHANNELS; channel++) {
        image[i * DemoImages.CHANNELS + channel] = planes[channel * pixels + i];
      }
    }
    return image;
  }
}
