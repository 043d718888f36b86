package dev.octet.torch.data;

import dev.octet.torch.data.ImageView.Padding;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A random change to an image that leaves its class alone. Implementations keep no state, and take
 * every random number from the generator that they are given: a loader gives each sample of each
 * epoch its own. Safe for use by several threads.
 */
@FunctionalInterface
public interface Augmentation {

  /** The image changed. */
  ImageView apply(ImageView image, RandomGenerator random);

  /** The image as it is. */
  static Augmentation none() {
    return (image, random) -> image;
  }

  /** These one after the other. */
  static Augmentation of(Augmentation... steps) {
    List<Augmentation> all = List.of(steps);
    return (image, random) -> {
      ImageView changed = image;
      for (Augmentation step : all) {
        changed = step.apply(changed, random);
      }
      return changed;
    };
  }

  /** What CIFAR-10 is usually trained with: flips, and crops of 32 x 32 after 4 black pixels. */
  static Augmentation cifar10() {
    return of(randomCrop(32, 32, 4, Padding.ZERO), horizontalFlip(0.5));
  }

  /**
   * Exchanges left and right.
   *
   * @param probability 0 to 1
   */
  static Augmentation horizontalFlip(double probability) {
    if (!(probability >= 0 && probability <= 1)) {
      throw new IllegalArgumentException(
          "probability is " + probability + "; choose 0 to 1, both included");
    }
    return (image, random) -> random.nextDouble() < probability ? image.flipped() : image;
  }

  /**
   * Pads the image on all sides and takes a part out of it, every place being equally likely.
   *
   * @param padding in pixels, 0 or more
   * @param with what the padding shows
   */
  static Augmentation randomCrop(int height, int width, int padding, Padding with) {
    checkSize(height, width);
    if (padding < 0) {
      throw new IllegalArgumentException("padding is " + padding + "; choose 0 or more");
    }
    return (image, random) -> {
      int down = image.height() + 2 * padding - height;
      int right = image.width() + 2 * padding - width;
      if (down < 0 || right < 0) {
        throw new IllegalArgumentException(
            "image is "
                + image.height()
                + "x"
                + image.width()
                + " (height x width), with padding "
                + padding
                + " smaller than the crop "
                + height
                + "x"
                + width
                + "; resize it first");
      }
      int top = random.nextInt(down + 1) - padding;
      int left = random.nextInt(right + 1) - padding;
      return image.cropped(top, left, height, width, with);
    };
  }

  /**
   * Takes out a part of random area and shape and gives it this size, as torchvision's {@code
   * RandomResizedCrop} does: 10 tries for a part that fits, then the middle.
   *
   * @param leastArea the smallest share of the image to take, above 0 and at most 1; 0.08 is usual.
   *     The shape is 3:4 to 4:3
   */
  static Augmentation randomResizedCrop(int height, int width, double leastArea) {
    checkSize(height, width);
    if (!(leastArea > 0 && leastArea <= 1)) {
      throw new IllegalArgumentException(
          "least area is " + leastArea + "; choose more than 0 and at most 1");
    }
    return new RandomResizedCrop(height, width, leastArea);
  }

  private static void checkSize(int height, int width) {
    if (height < 1 || width < 1) {
      throw new IllegalArgumentException(
          "crop is " + height + "x" + width + "; choose 1 pixel or more for each side");
    }
  }
}
