package dev.octet.quantize.data;

import java.util.OptionalInt;

/**
 * A decoded image that is not prepared yet.
 *
 * @param image its pixels
 * @param label the right class, from 0, where the source knows it
 * @param origin where it came from, for messages
 */
public record Picture(PixelImage image, OptionalInt label, String origin) {

  /**
   * This after the resize of a preprocessing, which is its first step; this itself where it has
   * none.
   *
   * @throws DataException if the longer side becomes too long
   */
  public Picture resized(Preprocessing how) {
    return new Picture(ImageTensor.resized(image, how, origin), label, origin);
  }

  /** The sample that a preprocessing makes of this. */
  Sample prepared(Preprocessing how) {
    return Sample.of(ImageTensor.of(image, how, origin), label, origin);
  }
}
