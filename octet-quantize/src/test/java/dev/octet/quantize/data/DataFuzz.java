package dev.octet.quantize.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Damaged files are read, or answered with a {@link DataException}; nothing else comes out. */
class DataFuzz {

  private static final byte[] NPY =
      DataFiles.npy("<f4", false, "(3, 2)", DataFiles.floats(1, 2, 3, 4, 5, 6));
  private static final List<ModelInput> INPUTS =
      List.of(ModelInput.of("x", ElementType.FLOAT32, -1, 2));

  @Property(tries = 400)
  void npy(@ForAll long seed, @ForAll @IntRange(min = 1, max = 12) int changes) {
    open("x.npy", damaged(NPY, seed, changes));
  }

  @Property(tries = 400)
  void npyInFortranOrder(@ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int changes) {
    open("x.npy", damaged(DataFiles.npy("<f8", true, "(2, 2)", new byte[32]), seed, changes));
  }

  @Property(tries = 400)
  void npz(@ForAll long seed, @ForAll @IntRange(min = 1, max = 8) int changes) {
    open("x.npz", damaged(DataFiles.npz(Map.of("x", NPY, "y", NPY)), seed, changes));
  }

  @Property(tries = 300)
  void gzippedCifar(@ForAll long seed, @ForAll @IntRange(min = 0, max = 4) int changes) {
    open("x.bin.gz", damaged(DataFiles.gzip(DataFiles.cifar(1, 2)), seed, changes));
  }

  @Property(tries = 300)
  void tokens(@ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int changes) {
    byte[] lines = "1,2,3\n0,4,5,6\r\n1,7\n".getBytes(StandardCharsets.US_ASCII);
    open("x.csv", damaged(lines, seed, changes));
  }

  @Property(tries = 300)
  void idx(@ForAll long seed, @ForAll @IntRange(min = 1, max = 4) int changes) {
    byte[] images = DataFiles.idx(new int[] {2, 2, 2}, new byte[8]);
    byte[] labels = DataFiles.idx(new int[] {2}, new byte[2]);
    inFolder(
        folder -> {
          DataFiles.write(folder.resolve("images-idx3"), damaged(images, seed, changes));
          DataFiles.write(folder.resolve("labels-idx1"), damaged(labels, ~seed, changes));
          readAll(folder);
        });
  }

  @Property(tries = 300)
  void pictures(@ForAll long seed, @ForAll @IntRange(min = 1, max = 8) int changes) {
    byte[] png = DataFiles.png(9, 5, 0x123456);
    inFolder(
        folder -> {
          DataFiles.write(folder.resolve("3_x.png"), damaged(png, seed, changes));
          readAll(folder);
        });
  }

  private static byte[] damaged(byte[] bytes, long seed, int changes) {
    Random random = new Random(seed);
    byte[] copy = bytes.clone();
    for (int i = 0; i < changes; i++) {
      // Half of the changes put in a digit: in text heads these are the ones that still parse.
      copy[random.nextInt(copy.length)] =
          (byte) (random.nextBoolean() ? '0' + random.nextInt(10) : random.nextInt(256));
    }
    return random.nextInt(4) == 0 ? Arrays.copyOf(copy, random.nextInt(copy.length)) : copy;
  }

  private static void open(String name, byte[] bytes) {
    inFolder(folder -> readAll(DataFiles.write(folder.resolve(name), bytes)));
  }

  private static void readAll(Path path) {
    try {
      DataSet data = Samples.open(path, INPUTS, SamplesOptions.defaults());
      InputBinding binding = InputBinding.of(INPUTS);
      try (Batches batches = Batches.of(data.calibration(), binding, 2)) {
        batches.forEachRemaining(Batch::feeds);
      }
    } catch (DataException expected) {
      // What the reader promises.
    }
  }

  private interface FolderUse {
    void in(Path folder);
  }

  private static void inFolder(FolderUse use) {
    try {
      Path folder = Files.createTempDirectory("octet-fuzz");
      try {
        use.in(folder);
      } finally {
        try (var files = Files.list(folder)) {
          for (Path file : files.toList()) {
            Files.delete(file);
          }
        }
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
