package dev.octet.quantize.data;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** CIFAR-10's binary format: records of a label byte and 32 x 32 red, green and blue bytes. */
final class Cifar10Samples implements Samples {

  private static final int SIDE = 32;
  private static final int AREA = SIDE * SIDE;
  private static final int RECORD_BYTES = 1 + 3 * AREA;
  private static final int CLASSES = 10;

  private final Path file;
  private final Preprocessing preprocessing;
  private final SkipPolicy policy;

  Cifar10Samples(Path file, Preprocessing preprocessing, SkipPolicy policy) {
    this.file = file;
    this.preprocessing = preprocessing;
    this.policy = policy;
  }

  @Override
  public SampleIterator iterator() {
    InputStream in = DataFile.open(file);
    return new ReadingIterator(policy) {
      private int index;

      @Override
      @Nullable Sample read() {
        String origin = file.getFileName() + "[" + index++ + "]";
        byte[] record = DataFile.read(in, RECORD_BYTES, origin);
        return record == null ? null : picture(record, origin).prepared(preprocessing);
      }

      @Override
      void release() {
        DataFile.closeQuietly(in);
      }
    };
  }

  private static Picture picture(byte[] record, String origin) {
    int label = record[0] & 0xff;
    if (label >= CLASSES) {
      throw new UnreadableSampleException(
          "'" + origin + "' has label " + label + "; CIFAR-10 has 0 to " + (CLASSES - 1));
    }
    byte[] pixels = new byte[3 * AREA];
    for (int c = 0; c < 3; c++) {
      for (int i = 0; i < AREA; i++) {
        pixels[i * 3 + c] = record[1 + c * AREA + i];
      }
    }
    return new Picture(new PixelImage(SIDE, SIDE, 3, pixels), OptionalInt.of(label), origin);
  }

  @Override
  public Optional<Pictures> pictures() {
    List<Picture> all = new ArrayList<>();
    InputStream in = DataFile.open(file);
    try {
      while (true) {
        String origin = file.getFileName() + "[" + all.size() + "]";
        byte[] record = DataFile.read(in, RECORD_BYTES, origin);
        if (record == null) {
          return Optional.of(new PictureList(all, preprocessing));
        }
        all.add(picture(record, origin));
      }
    } finally {
      DataFile.closeQuietly(in);
    }
  }

  @Override
  public OptionalLong size() {
    OptionalLong bytes = DataFile.contentSize(file);
    return bytes.isPresent() && bytes.getAsLong() % RECORD_BYTES == 0
        ? OptionalLong.of(bytes.getAsLong() / RECORD_BYTES)
        : OptionalLong.empty();
  }

  @Override
  public String description() {
    return "CIFAR-10 images of '" + file.getFileName() + "'";
  }
}
