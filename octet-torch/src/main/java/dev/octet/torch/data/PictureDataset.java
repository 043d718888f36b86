package dev.octet.torch.data;

import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.Picture;
import dev.octet.quantize.data.Pictures;
import dev.octet.quantize.data.PixelImage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** Images, the first ones decoded of which are kept while there is room. */
final class PictureDataset implements Dataset {

  private final Pictures pictures;
  private final String description;
  private final boolean worthKeeping;
  private final AtomicLong bytesLeft;
  private final AtomicReferenceArray<Example.Image> kept;

  PictureDataset(Pictures pictures, String description, long cacheBytes) {
    if (pictures.size() == 0) {
      throw new DataException("there is no sample in " + description + "; give one or more");
    }
    for (int i = 0; i < pictures.size(); i++) {
      Labels.require(pictures.label(i), pictures.origin(i));
    }
    this.pictures = pictures;
    this.description = description;
    this.worthKeeping =
        pictures.areDecodedOnDemand() || pictures.preprocessing().resize().isPresent();
    this.bytesLeft = new AtomicLong(cacheBytes);
    this.kept = new AtomicReferenceArray<>(worthKeeping ? pictures.size() : 0);
  }

  @Override
  public int size() {
    return pictures.size();
  }

  @Override
  public int label(int index) {
    return pictures.label(index).orElseThrow();
  }

  @Override
  public Example get(int index) {
    if (!worthKeeping) {
      return read(index);
    }
    Example.Image known = kept.get(index);
    if (known != null) {
      return known;
    }
    Example.Image made = read(index);
    // Nothing is ever dropped: every epoch asks once for each sample, so that a cache of the most
    // recent ones would be hit less often than one of any fixed part.
    PixelImage image = made.image();
    long bytes = (long) image.width() * image.height() * image.channels();
    if (bytesLeft.addAndGet(-bytes) < 0 || !kept.compareAndSet(index, null, made)) {
      bytesLeft.addAndGet(bytes);
    }
    return made;
  }

  private Example.Image read(int index) {
    Picture picture = pictures.get(index).resized(pictures.preprocessing());
    return new Example.Image(
        picture.image(), pictures.preprocessing(), label(index), picture.origin());
  }

  @Override
  public String description() {
    return description;
  }
}
