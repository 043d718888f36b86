package dev.octet.quantize.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** MNIST's idx format: one file of grey images and one of labels, read side by side. */
final class MnistSamples implements Samples {

  private final Path images;
  private final Path labels;
  private final Preprocessing preprocessing;

  MnistSamples(Path images, Path labels, Preprocessing preprocessing) {
    this.images = images;
    this.labels = labels;
    this.preprocessing = preprocessing;
  }

  @Override
  public SampleIterator iterator() {
    return pass();
  }

  @Override
  public Optional<Pictures> pictures() {
    List<Picture> all = new ArrayList<>();
    Pass pass = pass();
    try {
      for (Picture picture = pass.picture(); picture != null; picture = pass.picture()) {
        all.add(picture);
      }
    } finally {
      pass.close();
    }
    return Optional.of(new PictureList(all, preprocessing));
  }

  private Pass pass() {
    InputStream pictures = DataFile.open(images);
    InputStream answers = null;
    try {
      answers = DataFile.open(labels);
      int[] shape = IdxHeader.images(pictures, images.toString());
      int count = IdxHeader.labels(answers, labels.toString());
      if (count != shape[0]) {
        throw new DataException(
            "'"
                + images
                + "' has "
                + shape[0]
                + " images, '"
                + labels
                + "' "
                + count
                + " labels; give files that belong together");
      }
      return new Pass(pictures, answers, shape);
    } catch (DataException e) {
      DataFile.closeQuietly(pictures);
      DataFile.closeQuietly(answers);
      throw e;
    }
  }

  private final class Pass extends ReadingIterator {
    private final InputStream pictures;
    private final InputStream answers;
    private final int count;
    private final int height;
    private final int width;
    private int index;

    Pass(InputStream pictures, InputStream answers, int[] shape) {
      super(SkipPolicy.strict());
      this.pictures = pictures;
      this.answers = answers;
      this.count = shape[0];
      this.height = shape[1];
      this.width = shape[2];
    }

    @Override
    @Nullable Sample read() {
      Picture picture = picture();
      return picture == null ? null : picture.prepared(preprocessing);
    }

    @Nullable Picture picture() {
      if (index == count) {
        return null;
      }
      String origin = images.getFileName() + "[" + index++ + "]";
      byte[] pixels = DataFile.require(pictures, height * width, origin);
      int label = DataFile.require(answers, 1, labels + "[" + (index - 1) + "]")[0] & 0xff;
      return new Picture(new PixelImage(width, height, 1, pixels), OptionalInt.of(label), origin);
    }

    @Override
    void release() {
      DataFile.closeQuietly(pictures);
      DataFile.closeQuietly(answers);
    }
  }

  @Override
  public OptionalLong size() {
    try (InputStream in = DataFile.open(images)) {
      return OptionalLong.of(IdxHeader.images(in, images.toString())[0]);
    } catch (DataException | IOException e) {
      return OptionalLong.empty(); // the pass itself will say what is wrong
    }
  }

  @Override
  public String description() {
    return "idx images of '" + images.getFileName() + "'";
  }
}
