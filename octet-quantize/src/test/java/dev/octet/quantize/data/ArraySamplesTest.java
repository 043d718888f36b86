package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArraySamplesTest {

  @TempDir Path folder;

  private static List<Sample> all(Samples samples) {
    List<Sample> list = new ArrayList<>();
    samples.forEach(list::add);
    return list;
  }

  private Samples npy(byte[] bytes) {
    return Samples.npy(DataFiles.write(folder.resolve("x.npy"), bytes));
  }

  @Test
  void rowsAreSamplesOfOneSequenceAndCanBeReadAgain() {
    Samples samples =
        npy(DataFiles.npy("<f4", false, "(3, 2)", DataFiles.floats(1, 2, 3, 4, 5, 6)));
    assertThat(samples.size()).isEqualTo(OptionalLong.of(3));
    assertThat(all(samples)).isEqualTo(all(samples));
    assertThat(all(samples))
        .extracting(sample -> sample.inputs().get(Sample.ONLY).floats())
        .containsExactly(new float[] {1, 2}, new float[] {3, 4}, new float[] {5, 6});
    assertThat(all(samples)).extracting(Sample::startsSequence).containsExactly(true, false, false);
    assertThat(all(samples).get(1).origin()).isEqualTo("x.npy[1]");
  }

  @Test
  void fortranOrderIsTurned() {
    // [[1, 2, 3], [4, 5, 6]] column by column.
    Samples samples = npy(DataFiles.npy("<f4", true, "(2, 3)", DataFiles.floats(1, 4, 2, 5, 3, 6)));
    assertThat(all(samples))
        .extracting(sample -> sample.inputs().get(Sample.ONLY).floats())
        .containsExactly(new float[] {1, 2, 3}, new float[] {4, 5, 6});
  }

  @ParameterizedTest
  @CsvSource({
    "<f2, 003c00c0, float32, 1.0 -2.0",
    "<f2, 0100007c, float32, 5.9604645E-8 Infinity",
    ">f4, 3f800000c0000000, float32, 1.0 -2.0",
    "<f8, 000000000000f03f00000000000000c0, float64, 1.0 -2.0",
    "<i8, 0100000000000000feffffffffffffff, int64, 1.0 -2.0",
    ">i4, 00000001fffffffe, int32, 1.0 -2.0",
    "<u4, 01000000feffffff, int64, 1.0 4.2949673E9",
    "<i2, 0100feff, int32, 1.0 -2.0",
    "<u2, 0100feff, int32, 1.0 65534.0",
    "|i1, 01fe, int8, 1.0 -2.0",
    "|u1, 01fe, uint8, 1.0 254.0",
    "|b1, 0107, bool, 1.0 1.0",
  })
  void typesAreReadInTheByteOrderTheyState(String descr, String hex, String type, String expected) {
    byte[] elements = HexFormat.of().parseHex(hex);
    HostTensor tensor =
        all(npy(DataFiles.npy(descr, false, "(1, 2)", elements))).get(0).inputs().get(Sample.ONLY);
    assertThat(tensor).hasToString(type + " [1, 2]");
    float[] values = tensor.toFloats();
    assertThat(values[0] + " " + values[1]).isEqualTo(expected);
  }

  @Test
  void pickledObjectsAreRefused() {
    assertThatThrownBy(() -> npy(DataFiles.npy("|O", false, "(1,)", new byte[8])))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "'x.npy' holds elements of type '|O'; these are pickled Python objects, which are"
                + " never loaded: save numbers");
  }

  @Test
  void aShapeThatTheFileCannotHoldIsRefusedBeforeReading() {
    assertThatThrownBy(() -> npy(DataFiles.npy("<f4", false, "(999999, 10)", new byte[8])))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("has 136 bytes, its head asks for 40000088; the file is cut short");
    assertThatThrownBy(() -> npy(DataFiles.npy("<f4", false, "(0, 99999, 99999, 9)", new byte[0])))
        .hasMessageContaining("which is too big");
    assertThatThrownBy(() -> npy(DataFiles.npy("<f4", false, "(99999999999,)", new byte[0])))
        .hasMessage("'x.npy' has an axis of size 99999999999");
    assertThatThrownBy(() -> npy(DataFiles.npy("<f4", false, "(999999999, 0)", new byte[0])))
        .hasMessage("'x.npy' has rows without elements");
    assertThatThrownBy(() -> npy(DataFiles.npy("<f4", false, "()", DataFiles.floats(1))))
        .hasMessage("'x.npy' is a single number; give one row for each sample");
  }

  @Test
  void anArchiveGivesNamedInputsAndLabels() {
    byte[] a = DataFiles.npy("<f4", false, "(2, 1)", DataFiles.floats(1, 2));
    byte[] b = DataFiles.npy("|u1", false, "(2, 2)", new byte[] {1, 2, 3, 4});
    byte[] labels = DataFiles.npy("|u1", false, "(2,)", new byte[] {7, 9});
    Path file =
        DataFiles.write(
            folder.resolve("x.npz"), DataFiles.npz(Map.of("a", a, "b", b, "labels", labels)));
    List<Sample> samples = all(Samples.npz(file));
    assertThat(samples).hasSize(2);
    assertThat(samples.get(1).inputs().keySet()).containsExactlyInAnyOrder("a", "b");
    assertThat(samples.get(1).inputs().get("b").byteBuffer().get(1)).isEqualTo((byte) 4);
    assertThat(samples)
        .extracting(Sample::label)
        .containsExactly(OptionalInt.of(7), OptionalInt.of(9));
  }

  @Test
  void arraysWithDifferentNumbersOfRowsAreRefused() {
    byte[] a = DataFiles.npy("<f4", false, "(2, 1)", DataFiles.floats(1, 2));
    byte[] b = DataFiles.npy("<f4", false, "(1, 1)", DataFiles.floats(1));
    Path file = DataFiles.write(folder.resolve("x.npz"), DataFiles.npz(Map.of("a", a, "b", b)));
    assertThatThrownBy(() -> Samples.npz(file))
        .hasMessage(
            "'x.npz!a.npy' has 2 rows, 'x.npz!b.npy' 1; give each input one row for each sample");
  }

  @Test
  void aFolderOfFilesNamedAfterInputsIsReadSideBySide() {
    byte[] row = DataFiles.npy("<f4", false, "(1, 1)", DataFiles.floats(5));
    DataFiles.write(folder.resolve("a.npy"), row);
    DataFiles.write(folder.resolve("b_0.npy"), row);
    DataFiles.write(folder.resolve("other.npy"), row);
    List<ModelInput> inputs =
        List.of(
            ModelInput.of("a", ElementType.FLOAT32, -1, 1),
            ModelInput.of("b:0", ElementType.FLOAT32, -1, 1));
    DataSet data = Samples.open(folder, inputs, SamplesOptions.defaults());
    assertThat(InputBinding.of(inputs).bind(all(data.calibration()).get(0)).keySet())
        .containsExactly("a", "b:0");
  }

  @Test
  void aFolderWithoutAMatchingFileSaysWhatItShouldHold() {
    DataFiles.write(
        folder.resolve("x.npy"), DataFiles.npy("<f4", false, "(1, 1)", DataFiles.floats(5)));
    List<ModelInput> inputs = List.of(ModelInput.of("in", ElementType.FLOAT32, -1, 1));
    assertThatThrownBy(() -> Samples.open(folder, inputs, SamplesOptions.defaults()))
        .hasMessageContaining(
            "none named after a model input [in.npy] and no sequence <name>-input");
  }
}
