package dev.octet.quantize.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Image files of a folder, in the order of their names. */
final class ImageSamples implements Samples {

  static final int DEEPEST = 8; // levels of folders

  // From tif on they are not decoded, but they count as images and are reported as unreadable.
  private static final Set<String> SUFFIXES =
      Set.of("jpg", "jpeg", "png", "bmp", "gif", "tif", "tiff", "webp", "avif", "heic");

  private final Path folder;
  private final List<Path> files;
  private final ImageLabels labels;
  private final Preprocessing preprocessing;
  private final SamplesOptions options;

  private ImageSamples(
      Path folder,
      List<Path> files,
      ImageLabels labels,
      Preprocessing preprocessing,
      SamplesOptions options) {
    this.folder = folder;
    this.files = files;
    this.labels = labels;
    this.preprocessing = preprocessing;
    this.options = options;
  }

  static ImageSamples ofFolder(Path folder, Preprocessing preprocessing, SamplesOptions options) {
    return ofFolder(folder, preprocessing, options, Set.of());
  }

  /** The same; labels by sub-folder count {@code classes} in, whether or not they are there. */
  static ImageSamples ofFolder(
      Path folder, Preprocessing preprocessing, SamplesOptions options, Set<String> classes) {
    List<Path> files = list(folder);
    if (files.isEmpty()) {
      throw new DataException("'" + folder + "' holds no image");
    }
    return new ImageSamples(
        folder, files, ImageLabels.of(folder, files, options, classes), preprocessing, options);
  }

  static boolean isImage(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return SUFFIXES.contains(name.substring(name.lastIndexOf('.') + 1)) && !name.startsWith(".");
  }

  /**
   * Image files in a folder and below, sorted by their path inside it, the same on every system.
   */
  private static List<Path> list(Path folder) {
    TreeMap<String, Path> sorted = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(folder, DEEPEST)) {
      walk.filter(file -> isImage(file) && Files.isRegularFile(file))
          .forEach(file -> sorted.put(ImageLabels.inside(folder, file), file));
    } catch (IOException e) {
      throw DataFile.failed(folder, e);
    } catch (UncheckedIOException e) {
      throw new DataException("'" + folder + "' cannot be listed: " + e.getMessage(), e);
    }
    return List.copyOf(sorted.values());
  }

  @Override
  public SampleIterator iterator() {
    Iterator<Path> rest = files.iterator();
    return new ReadingIterator(options.skipPolicy()) {
      @Override
      @Nullable Sample read() {
        if (!rest.hasNext()) {
          return null;
        }
        return picture(rest.next()).prepared(preprocessing);
      }

      @Override
      void release() {
        // Each file is closed as soon as it is decoded.
      }
    };
  }

  private Picture picture(Path file) {
    PixelImage image = ImageDecoder.decode(file, options.maxPixels());
    return new Picture(image, labels.of(file), ImageLabels.inside(folder, file));
  }

  @Override
  public Optional<Pictures> pictures() {
    return Optional.of(
        new Pictures() {
          @Override
          public int size() {
            return files.size();
          }

          @Override
          public Picture get(int index) {
            return picture(files.get(index));
          }

          @Override
          public OptionalInt label(int index) {
            return labels.of(files.get(index));
          }

          @Override
          public String origin(int index) {
            return ImageLabels.inside(folder, files.get(index));
          }

          @Override
          public boolean areDecodedOnDemand() {
            return true;
          }

          @Override
          public Preprocessing preprocessing() {
            return preprocessing;
          }
        });
  }

  /** Picks files, so that images that are left out are not decoded. */
  private Samples pick(long from, long step, long count) {
    List<Path> picked =
        Stream.iterate(from, at -> at < files.size(), at -> at + step)
            .limit(count)
            .map(at -> files.get(Math.toIntExact(at)))
            .toList();
    return new ImageSamples(folder, picked, labels, preprocessing, options);
  }

  @Override
  public Samples limit(long count) {
    return pick(0, 1, count);
  }

  @Override
  public Samples skip(long count) {
    return pick(count, 1, Long.MAX_VALUE);
  }

  @Override
  public Samples spread(long count) {
    return pick(0, Math.max(1, files.size() / Math.max(1, count)), count);
  }

  @Override
  public Samples representative(long count) {
    return spread(count);
  }

  @Override
  public OptionalLong size() {
    return OptionalLong.of(files.size());
  }

  @Override
  public String description() {
    return files.size() + " images of '" + folder.getFileName() + "'";
  }
}
