package dev.octet.torch.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoints that no honest program wrote. */
final class HostileCheckpointTest {
  private static final long MANY = 1L << 62;

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "os, system",
    "builtins, eval",
    "builtins, getattr",
    "torch.storage, _load_from_bytes",
    "torch._utils, _rebuild_qtensor",
    "torch._utils, _rebuild_sparse_tensor",
    "argparse, Namespace",
    "numpy.core.multiarray, fromstring",
    "torch, QInt8Storage",
    "collections, defaultdict"
  })
  void refusesNamesBeyondTheListInBothSpellings(String module, String name) throws IOException {
    assertRefused(
        new PickleWriter().global(module, name).text("true").raw(0x85, 'R').zip(),
        "asks for the Python global '" + module + "." + name + "'");
    assertRefused(
        new PickleWriter(4).text(module).text(name).raw(0x93).zip(),
        "asks for the Python global '" + module + "." + name + "'");
  }

  @ParameterizedTest
  @CsvSource({"i, INST", "o, OBJ", "P, PERSID", "I, INT", "S, STRING", "2, DUP"})
  void refusesOperationsThatCheckpointsDoNotUse(String code, String name) throws IOException {
    assertRefused(new PickleWriter().ops(code).zip(), ", " + name + ")");
  }

  @Test
  void refusesOperationsBeyondOneByte() throws IOException {
    assertRefused(new PickleWriter().raw(0x92).zip(), "NEWOBJ_EX");
    assertRefused(new PickleWriter().raw(0x82, 1).zip(), "EXT1");
    assertRefused(new PickleWriter(5).raw(0x97).zip(), "NEXT_BUFFER");
    assertRefused(new PickleWriter().raw(0xFF).zip(), "is no operation of pickle");
    assertRefused(new PickleWriter(6).ops("N").zip(), "protocol 6");
    assertRefused(PickleWriter.zip(Map.of("a/data.pkl", new byte[] {'N', '.'})), "no pickle");
  }

  @Test
  void refusesAStackThatRunsDry() throws IOException {
    assertRefused(new PickleWriter().zip(), "no value to work on");
    assertRefused(new PickleWriter().ops("t").zip(), "no mark");
    assertRefused(new PickleWriter().ops("(0").zip(), "no value to work on");
    assertRefused(new PickleWriter().ops("h\u0005").zip(), "nothing was remembered under 5");
    assertRefused(new PickleWriter().ops("NNR").zip(), "where a Tuple is needed");
    assertRefused(new PickleWriter().ops("N)R").zip(), "where a Callable is needed");
    assertRefused(new PickleWriter().ops(")Na").zip(), "something else than a list");
    assertRefused(new PickleWriter().ops("}(Nu").zip(), "one is halved");
    assertRefused(new PickleWriter().ops("]}b").zip(), "which it cannot have");
    assertRefused(new PickleWriter().ops("NQ").zip(), "where a Tuple is needed");
  }

  @Test
  void refusesKeysThatAreNotPlain() throws IOException {
    assertRefused(new PickleWriter().ops("})Ns").zip(), "only text and numbers");
    assertRefused(new PickleWriter().ops("}]Ns").zip(), "only text and numbers");
  }

  @Test
  void refusesValuesThatHoldThemselves() throws IOException {
    assertRefused(new PickleWriter().ops("]q\u0000h\u0000a").zip(), "holds itself");
    assertRefused(
        new PickleWriter().ops("}q\u0000").text("a").ops("h\u0000s").zip(), "holds itself");
  }

  @Test
  void readsValuesToADepthOfOneHundred() throws IOException {
    assertThat(PyTorchCheckpoint.read(file(nested(100)))).isNotNull();
    assertRefused(nested(101), "more than 100 deep");
    assertRefused(nested(100_000), "more than 100 deep");
  }

  /** A list of two of a list of two …: 40 levels would be 2⁴⁰ values to whoever walks over it. */
  @Test
  void refusesFewBytesThatStandForManyValues() throws IOException {
    PickleWriter pickle = new PickleWriter().ops("]");
    for (int level = 0; level < 40; level++) {
      pickle.ops("q\u0000](h\u0000h\u0000e");
    }
    assertRefused(pickle.zip(), "unfolds to more than 10000000 values");
  }

  @Test
  void readsTensorsThatStayInTheirStorage() throws IOException {
    Path file = file(new PickleWriter().tensor(1, new long[] {3}, new long[] {1}).zip());
    assertThat(PyTorchCheckpoint.read(file)).isEqualTo(Tensor.ofFloats(new float[3], 3));
    file = file(new PickleWriter().tensor(3, new long[] {0, 9}, new long[] {9, 9}).zip());
    assertThat(PyTorchCheckpoint.read(file)).isEqualTo(Tensor.ofFloats(new float[0], 0, 9));
  }

  @Test
  void refusesTensorsThatLeaveTheirStorage() throws IOException {
    assertTensorRefused(
        2, new long[] {3}, new long[] {1}, "reaches beyond its storage of 16 bytes");
    assertTensorRefused(0, new long[] {2, 2}, new long[] {3, 1}, "reaches beyond");
    assertTensorRefused(4, new long[] {}, new long[] {}, "reaches beyond");
    assertTensorRefused(MANY, new long[] {1}, new long[] {1}, "reaches beyond");
    assertTensorRefused(0, new long[] {3}, new long[] {MANY}, "reaches beyond");
    assertTensorRefused(-1, new long[] {1}, new long[] {1}, "negative offset");
    assertTensorRefused(0, new long[] {-1}, new long[] {1}, "-1, which is negative");
    assertTensorRefused(3, new long[] {2}, new long[] {-1}, "-1, which is negative");
    assertTensorRefused(0, new long[] {2}, new long[] {1, 1}, "of another length");
    assertTensorRefused(0, new long[65], new long[65], "65 dimensions");
    assertTensorRefused(0, new long[] {MANY, MANY}, new long[] {0, 0}, "more elements than can be");
    assertTensorRefused(0, new long[] {1L << 40}, new long[] {0}, "the most for one tensor");
  }

  @Test
  void refusesAnExpandedTensorBeyondTheBudget() throws IOException {
    Path file = file(new PickleWriter().tensor(0, new long[] {1 << 20}, new long[] {0}).zip());
    assertThatThrownBy(() -> PyTorchCheckpoint.read(file, 1 << 20))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("above 1048576 bytes");
  }

  @Test
  void refusesStoragesOfAnotherLength() throws IOException {
    assertRefused(
        new PickleWriter().tensor("FloatStorage", 5, 0, new long[] {1}, new long[] {1}).zip(),
        "has 16 bytes in the file, but its type and length need 20");
    assertRefused(
        new PickleWriter().tensor("FloatStorage", -4, 0, new long[] {1}, new long[] {1}).zip(),
        "has -4 elements");
    assertRefused(
        new PickleWriter().tensor("FloatStorage", MANY, 0, new long[] {1}, new long[] {1}).zip(),
        "more than can be counted");
    assertRefused(new PickleWriter().storage("FloatStorage", "1", 4).zip(), "lacks 'a/data/1'");
    assertRefused(new PickleWriter().storage("FloatStorage", "0", 4).zip(), "stored on its own");
    assertRefused(
        new PickleWriter().ops("(").text("module").ops("tQ").zip(), "whole models are not read");
  }

  @Test
  void refusesLengthsBeyondTheFile() throws IOException {
    assertRefused(new PickleWriter().raw('X', 0xFF, 0xFF, 0xFF, 0x7F).zip(), "cut short");
    assertRefused(
        new PickleWriter(4).raw(0x8D, 0, 0, 0, 0, 0, 0, 0, 0x80).zip(), "ends in the middle");
    assertRefused(new PickleWriter().raw('X', 1, 0, 0, 0, 0xFF).zip(), "not UTF-8");
    assertRefused(new PickleWriter().ops("c" + "a".repeat(2000)).zip(), "longer than 1000");
  }

  @Test
  void refusesMoreValuesThanMemoryAllows() throws IOException {
    Path file = file(new PickleWriter().ops("}".repeat(10_000)).zip());
    assertThatThrownBy(() -> PyTorchCheckpoint.read(file, 1_000_000))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("the values of the pickle");
  }

  @Test
  void refusesNumpyDataThatDoesNotFit() throws IOException {
    PickleWriter dtype = new PickleWriter().global("numpy", "dtype");
    assertRefused(dtype.text("O8").raw(0x85, 'R').zip(), "not a type of plain numbers");
    PickleWriter scalar =
        new PickleWriter().global("numpy.core.multiarray", "scalar").global("numpy", "dtype");
    scalar.text("f8").raw(0x85, 'R', 'C', 1, 7, 0x86, 'R');
    assertRefused(scalar.zip(), "has 1 bytes, but its type and shape need 8");
    PickleWriter big = new PickleWriter().global("numpy", "dtype").text("f8").raw(0x85, 'R');
    assertRefused(big.ops("K\u0003").text(">").raw(0x86, 'b').zip(), "big-endian");
  }

  @Test
  void refusesZipFilesThatAreNotPlain() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry("a/data.pkl"));
      zip.write(new byte[1000]);
    }
    assertRefused(bytes.toByteArray(), "'a/data.pkl' in the zip file is compressed");
    byte[] none = new PickleWriter().ops("N").pickle();
    assertRefused(PickleWriter.zip(Map.of("data.pkl", none)), "has 0 entries");
    assertRefused(
        PickleWriter.zip(Map.of("a/data.pkl", none, "b/data.pkl", none)), "has 2 entries");
    byte[] big = {'b', 'i', 'g'};
    assertRefused(PickleWriter.zip(Map.of("a/data.pkl", none, "a/byteorder", big)), "byte order");
    byte[] whole = new PickleWriter().ops("N").zip();
    assertRefused(java.util.Arrays.copyOf(whole, whole.length - 1), "no directory at its end");
  }

  @Test
  void refusesAZipFileWithOneNameTwice() throws IOException {
    byte[] none = new PickleWriter().ops("N").pickle();
    byte[] twice = PickleWriter.zip(Map.of("a/data.pkl", none, "a/data.pkm", none));
    for (int i = 0; i < twice.length; i++) {
      if (twice[i] == 'm') {
        twice[i] = 'l';
      }
    }
    assertRefused(twice, "has 'a/data.pkl' twice");
  }

  @Test
  void readsWideZipFilesAndRefusesTheirWrongFields() throws IOException {
    byte[] zip = PickleWriter.zip64("a/data.pkl", new PickleWriter().text("wide").pickle());
    assertThat(PyTorchCheckpoint.read(file(zip))).isEqualTo("wide");
    for (int i = 0; i < zip.length; i++) {
      byte[] damaged = zip.clone();
      damaged[i] ^= (byte) 0xFF;
      ReadOrRefuse.checkpoint(damaged);
    }
    int locator = zip.length - 22 - 20;
    zip[locator] = 0;
    assertRefused(zip, "lacks the zip64 record");
  }

  @Test
  void refusesWhatIsNoCheckpoint() throws IOException {
    assertRefused("plain text".getBytes(java.nio.charset.StandardCharsets.UTF_8), "no checkpoint");
    assertRefused(new byte[2], "the head of a checkpoint needs 4 bytes");
    assertRefused(new PickleWriter().ops("NNNN").pickle(), "not one that torch.save wrote");
  }

  @Test
  void readsTheLegacyFormOnlyWhereItIsWhole() throws IOException {
    byte[] content = new PickleWriter().tensor(0, new long[] {4}, new long[] {1}).pickle();
    byte[] keys = new PickleWriter().ops("]").text("0").ops("a").pickle();
    byte[] four = PickleWriter.littleEndian(4, 8);
    byte[] five = PickleWriter.littleEndian(5, 8);
    byte[] good = legacy(content, keys, four, new byte[16]);
    assertThat(PyTorchCheckpoint.read(file(good))).isEqualTo(Tensor.ofFloats(new float[4], 4));
    assertRefused(legacy(content, keys, four, new byte[15]), "beyond the end of the file");
    assertRefused(legacy(content, keys, five, new byte[20]), "5 elements, not as declared");
    assertRefused(legacy(content, keys, new byte[7]), "storage '0' needs 8 bytes");
    byte[] none = new PickleWriter().ops("]").pickle();
    assertRefused(legacy(content, none), "storage '0' is not in the file");
    byte[] other = new PickleWriter().ops("]").text("9").ops("a").pickle();
    assertRefused(legacy(content, other), "names an unknown one");
    byte[] twice = new PickleWriter().ops("]").text("0").ops("a").text("0").ops("a").pickle();
    assertRefused(legacy(content, twice, four, new byte[16], four, new byte[16]), "one twice");
    byte[] differing =
        new PickleWriter()
            .ops("]")
            .tensor(0, new long[] {4}, new long[] {1})
            .ops("a")
            .tensor("IntStorage", 4, 0, new long[] {4}, new long[] {1})
            .ops("a")
            .pickle();
    assertRefused(legacy(differing, keys, four, new byte[16]), "two types or lengths");
  }

  @Test
  void refusesAViewOfAStorageAsOldVersionsWroteIt() throws IOException {
    PickleWriter pickle =
        new PickleWriter().ops("(").text("storage").global("torch", "FloatStorage");
    pickle.text("0").text("cpu").number(4).tuple(1, 0, 4).ops("tQ");
    assertRefused(pickle.zip(), "before 0.4");
  }

  private void assertTensorRefused(long offset, long[] shape, long[] strides, String message)
      throws IOException {
    assertRefused(new PickleWriter().tensor(offset, shape, strides).zip(), message);
  }

  private void assertRefused(byte[] content, String message) throws IOException {
    Path file = file(content);
    assertThatThrownBy(() -> PyTorchCheckpoint.read(file))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(message);
  }

  private Path file(byte[] content) throws IOException {
    return Files.write(folder.resolve("f.pth"), content);
  }

  private static byte[] nested(int depth) {
    return new PickleWriter().ops("]".repeat(depth + 1)).ops("a".repeat(depth)).zip();
  }

  private static byte[] legacy(byte[]... parts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(PickleWriter.legacyHead());
    for (byte[] part : parts) {
      bytes.writeBytes(part);
    }
    return bytes.toByteArray();
  }
}
