package dev.octet.graph.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.TensorProto;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExternalFilesTest {
  private static final byte[] SECRET = {9, 9, 9, 9};

  @TempDir Path base;
  private Path folder;

  @BeforeEach
  void layOutFiles() throws IOException {
    folder = Files.createDirectories(base.resolve("model"));
    Files.createDirectories(folder.resolve("sub"));
    Files.createDirectories(base.resolve("secrets"));
    Files.write(base.resolve("secrets").resolve("key"), SECRET);
    Files.write(folder.resolve("w.data"), new byte[] {1, 2, 3, 4, 5, 6});
    Files.write(folder.resolve("sub").resolve("w.data"), new byte[] {7, 8, 9, 10});
  }

  @ParameterizedTest
  @CsvSource({"w.data,0,1", "w.data,2,3", "./w.data,1,2", "sub/w.data,0,7"})
  void readsFromTheFolderAndBelow(String location, String offset, int first) throws IOException {
    Model model = read(location, offset, "4");
    assertThat(model.graph().value("w").initializer().data().get(0)).isEqualTo((byte) first);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../secrets/key",
        "sub/../../secrets/key",
        "sub/../w.data",
        "..",
        ".",
        "",
        "w.data\0.txt",
        "..\\secrets\\key",
        "/etc/passwd"
      })
  void refusesAPathThatIsNotPlainlyBelow(String location) {
    assertThatThrownBy(() -> read(location, "0", "4"))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("is not a plain path below the model's folder");
  }

  @Test
  void refusesAnAbsolutePathEvenIntoTheFolder() {
    assertThatThrownBy(() -> read(folder.resolve("w.data").toString(), "0", "4"))
        .hasMessageContaining("is not a plain path below the model's folder");
  }

  @Test
  void refusesASymbolicLinkToAFile() throws IOException {
    Files.createSymbolicLink(folder.resolve("link"), base.resolve("secrets").resolve("key"));
    assertThatThrownBy(() -> read("link", "0", "4")).hasMessageContaining("is a symbolic link");
    Files.createSymbolicLink(folder.resolve("inner"), folder.resolve("w.data"));
    assertThatThrownBy(() -> read("inner", "0", "4")).hasMessageContaining("is a symbolic link");
  }

  @Test
  void refusesASymbolicLinkAmongTheFolders() throws IOException {
    Files.createSymbolicLink(folder.resolve("way"), base.resolve("secrets"));
    assertThatThrownBy(() -> read("way/key", "0", "4")).hasMessageContaining("through a link");
  }

  @Test
  void refusesAHardLink() throws IOException {
    Files.createLink(folder.resolve("hard"), base.resolve("secrets").resolve("key"));
    assertThatThrownBy(() -> read("hard", "0", "4"))
        .hasMessageContaining("is one of 2 hard links to the same file");
  }

  @Test
  void refusesWhatIsNoRegularFile() {
    assertThatThrownBy(() -> read("sub", "0", "4")).hasMessageContaining("is not a regular file");
    assertThatThrownBy(() -> read("gone", "0", "4")).hasMessageContaining("is not there");
  }

  @Test
  void followsALinkToTheModelsFolderItself() throws IOException {
    write("w.data", "0", "4");
    Path link = Files.createSymbolicLink(base.resolve("latest"), folder);
    assertThat(OnnxReader.read(link.resolve("m.onnx")).graph().value("w").initializer().sizeBytes())
        .isEqualTo(4);
  }

  @ParameterizedTest
  @CsvSource({
    "3,4,'has 6 bytes, but 4 from offset 3'",
    "7,4,'has 6 bytes, but 4 from offset 7'",
    "999999999999999999,4,'has 6 bytes'",
    "9223372036854775807,4,'whole number of at most 18 digits'",
    "-1,4,'whole number'",
    "+1,4,'whole number'",
    "0x1,4,'whole number'",
    "'',4,'whole number'",
    "0,5,'needs 4 bytes but its external data has 5'",
    "0,3,'needs 4 bytes but its external data has 3'"
  })
  void refusesAPlaceOutsideTheFile(String offset, String length, String message) {
    assertThatThrownBy(() -> read("w.data", offset, length))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message);
  }

  @Test
  void namesModelTensorAndFile() {
    assertThatThrownBy(() -> read("gone", "0", "4"))
        .hasMessage(
            folder.resolve("m.onnx")
                + ": graph 'main', initializer 'w', external data 'gone' is not there;"
                + " it belongs beside the model");
  }

  private Model read(String location, String offset, String length) throws IOException {
    return OnnxReader.read(write(location, offset, length));
  }

  private Path write(String location, String offset, String length) throws IOException {
    TensorProto.Builder tensor =
        SampleModels.tensor("w", 2, 4)
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(SampleModels.entry("location", location))
            .addExternalData(SampleModels.entry("offset", offset))
            .addExternalData(SampleModels.entry("length", length));
    return Files.write(
        folder.resolve("m.onnx"),
        SampleModels.model(
                8,
                13,
                SampleModels.graph()
                    .addNode(SampleModels.node("Relu", "x", "y"))
                    .addInitializer(tensor))
            .toByteArray());
  }
}
