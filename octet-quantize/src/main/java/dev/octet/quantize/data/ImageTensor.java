package dev.octet.quantize.data;

import dev.octet.quantize.data.Preprocessing.Layout;
import dev.octet.quantize.data.Preprocessing.Size;
import java.util.List;
import java.util.Optional;

/** Applies a {@link Preprocessing} to a decoded image. */
final class ImageTensor {

  private static final int LONGEST_SIDE = 1 << 15;

  private ImageTensor() {}

  /** The tensor, with a batch axis of 1. */
  static HostTensor of(PixelImage image, Preprocessing how, String origin) {
    PixelImage sized = resized(image, how, origin);
    Size crop = how.crop().orElse(new Size(sized.height, sized.width));
    if (crop.height() > sized.height || crop.width() > sized.width) {
      throw new UnreadableSampleException(
          "'"
              + origin
              + "' is "
              + sized.height
              + "x"
              + sized.width
              + " (height x width), smaller than the crop "
              + crop
              + "; set --resize to enlarge images first");
    }
    int top = (sized.height - crop.height()) / 2;
    int left = (sized.width - crop.width()) / 2;
    List<PixelImage.Tone> tones = how.channels().tones();
    int area = crop.height() * crop.width();
    float[] values = new float[Math.multiplyExact(area, tones.size())];
    boolean planar = how.layout() == Layout.NCHW;
    for (int c = 0; c < tones.size(); c++) {
      float[] table = how.table(c);
      PixelImage.Tone tone = tones.get(c);
      for (int y = 0; y < crop.height(); y++) {
        for (int x = 0; x < crop.width(); x++) {
          int pixel = y * crop.width() + x;
          values[planar ? c * area + pixel : pixel * tones.size() + c] =
              table[sized.at(left + x, top + y, tone)];
        }
      }
    }
    int[] shape =
        planar
            ? new int[] {1, tones.size(), crop.height(), crop.width()}
            : new int[] {1, crop.height(), crop.width(), tones.size()};
    return HostTensor.ofFloats(shape, values);
  }

  /** The image after the preprocessing's resize, which is the first step. */
  static PixelImage resized(PixelImage image, Preprocessing how, String origin) {
    if (how.resize().isEmpty()
        || how.crop().equals(Optional.of(new Size(image.height, image.width)))) {
      return image;
    }
    int shorter = how.resize().getAsInt();
    // The longer side is cut, not rounded, as torchvision does.
    int longer = longer(shorter, image, origin);
    return image.width <= image.height
        ? Resize.to(image, shorter, longer)
        : Resize.to(image, longer, shorter);
  }

  private static int longer(int shorter, PixelImage image, String origin) {
    long size =
        (long) shorter * Math.max(image.width, image.height) / Math.min(image.width, image.height);
    if (size > LONGEST_SIDE) {
      throw new UnreadableSampleException(
          "'"
              + origin
              + "' is "
              + image.height
              + "x"
              + image.width
              + " (height x width), too long to resize to "
              + shorter);
    }
    return (int) size;
  }
}
