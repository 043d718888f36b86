package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NpyFileTest {
  @TempDir private Path folder;

  /** Byte for byte what {@code numpy.save} writes. */
  @Test
  void writesWhatNumPyWrites() throws IOException {
    Path file = folder.resolve("x.npy");
    NpyFile.write(file, HostTensor.ofInts(new int[] {2, 1}, new int[] {1, -2}));

    byte[] bytes = Files.readAllBytes(file);
    String head = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 1), }";
    assertThat(new String(bytes, 0, 128, StandardCharsets.ISO_8859_1))
        .isEqualTo("\u0093NUMPY\u0001\0v\0" + head + " ".repeat(117 - head.length()) + "\n");
    assertThat(Arrays.copyOfRange(bytes, 128, bytes.length))
        .containsExactly(1, 0, 0, 0, -2, -1, -1, -1);
  }

  @Test
  void writesScalarsAndVectorsAsTuples() throws IOException {
    assertThat(head(new int[0], new byte[1])).contains("'descr': '|b1'", "'shape': ()");
    assertThat(head(new int[] {3}, new byte[3])).contains("'shape': (3,)");
  }

  private String head(int[] shape, byte[] values) throws IOException {
    Path file = folder.resolve("head.npy");
    NpyFile.write(file, HostTensor.ofBytes(ElementType.BOOL, shape, values));
    return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
  }

  @Test
  void elementsBeginAtAMultipleOf64() throws IOException {
    for (int axes = 0; axes < 20; axes++) {
      int[] shape = new int[axes];
      Arrays.fill(shape, 1);
      Path file = folder.resolve("aligned.npy");
      NpyFile.write(file, HostTensor.ofBytes(ElementType.INT8, shape, new byte[1]));
      assertThat((Files.size(file) - 1) % 64).isZero();
    }
  }

  @Test
  void aMissingFolderLeavesNothingBehind() throws IOException {
    Path file = folder.resolve("none").resolve("x.npy");

    assertThatThrownBy(() -> NpyFile.write(file, HostTensor.zeros(ElementType.INT8, new int[1])))
        .isInstanceOf(NoSuchFileException.class);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void namesAFileThatIsNotThere() {
    assertThatThrownBy(() -> NpyFile.read(folder.resolve("none.npy")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("none.npy' cannot be read: there is no such file");
  }
}
