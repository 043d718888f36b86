package dev.octet.torch.data;

import dev.octet.torch.data.ImageView.Padding;
import java.util.random.RandomGenerator;

/** A part of random area and shape at a fixed size. */
record RandomResizedCrop(int height, int width, double leastArea) implements Augmentation {

  private static final int TRIES = 10;
  private static final double WIDEST = 4.0 / 3;

  @Override
  public ImageView apply(ImageView image, RandomGenerator random) {
    double all = (double) image.height() * image.width();
    for (int i = 0; i < TRIES; i++) {
      double area = all * (leastArea + random.nextDouble() * (1 - leastArea));
      // Shapes are uniform in their logarithm: 3:4 is as likely as 4:3.
      double shape = Math.exp((2 * random.nextDouble() - 1) * Math.log(WIDEST));
      long wide = Math.round(Math.sqrt(area * shape));
      long high = Math.round(Math.sqrt(area / shape));
      if (wide >= 1 && high >= 1 && wide <= image.width() && high <= image.height()) {
        int top = random.nextInt(image.height() - (int) high + 1);
        int left = random.nextInt(image.width() - (int) wide + 1);
        return part(image, top, left, (int) high, (int) wide);
      }
    }
    int wide = (int) Math.max(1, Math.min(image.width(), Math.round(image.height() * WIDEST)));
    int high = (int) Math.max(1, Math.min(image.height(), Math.round(image.width() * WIDEST)));
    return part(image, (image.height() - high) / 2, (image.width() - wide) / 2, high, wide);
  }

  private ImageView part(ImageView image, int top, int left, int high, int wide) {
    return image.cropped(top, left, high, wide, Padding.ZERO).resized(height, width);
  }
}
