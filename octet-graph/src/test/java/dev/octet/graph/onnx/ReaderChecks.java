package dev.octet.graph.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What must hold of the reader for every input; shared by the fuzzers and their replays. */
final class ReaderChecks {
  private static final ReadLimits LIMITS =
      ReadLimits.defaults().withMaxTotalBytes(64L << 20).withMaxNodes(10_000);

  /** The only byte that lies below the folder; outside it is another. */
  private static final byte INSIDE = 1;

  private static final byte OUTSIDE = 2;

  private static @Nullable Path modelFolder;

  private ReaderChecks() {}

  /** Reads {@code content}; a model that comes out must survive a round trip unchanged. */
  static void readOrRefuse(byte[] content) {
    Model model;
    try {
      model = OnnxReader.read(content, "fuzz", LIMITS);
    } catch (ModelException refused) {
      assertThat(refused).hasMessageStartingWith("fuzz: ");
      return;
    }
    byte[] written;
    try {
      written = OnnxWriter.toBytes(model.copy());
    } catch (ModelException refused) {
      return; // the writer is stricter: element types newer than the format, for one
    }
    Model again = OnnxReader.read(written, "written by us");
    assertThat(OnnxWriter.toBytes(again)).isEqualTo(written);
  }

  /** Reads one external byte; if that works it must be one from inside the folder. */
  static void readExternalOrRefuse(byte[] entries) {
    String[] parts = new String(entries, StandardCharsets.ISO_8859_1).split("\n", 3);
    TensorProto.Builder tensor =
        SampleModels.tensor("w", 2, 1).setDataLocation(TensorProto.DataLocation.EXTERNAL);
    String[] keys = {"location", "offset", "length"};
    for (int i = 0; i < parts.length; i++) {
      tensor
          .addExternalDataBuilder()
          .setKey(keys[i])
          .setValueBytes(ByteString.copyFrom(parts[i], StandardCharsets.ISO_8859_1));
    }
    byte[] model =
        SampleModels.model(
                8,
                13,
                SampleModels.graph()
                    .addNode(SampleModels.node("Relu", "x", "y"))
                    .addInitializer(tensor))
            .toByteArray();
    try {
      Path file = folder().resolve("model.onnx");
      try (ExternalFiles external = new ExternalFiles(file)) {
        Model read = ModelDecoder.decode(model, new Budget(LIMITS), external);
        Tensor weight = read.graph().value("w").initializer();
        assertThat(weight.data().get(0)).isEqualTo(INSIDE);
      }
    } catch (ModelException refused) {
      assertThat(refused).hasMessageContaining("'w'");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@code outside} and, with every trick the system has for reaching it, {@code folder}. */
  private static synchronized Path folder() throws IOException {
    Path folder = modelFolder;
    if (folder == null) {
      Path base = temporary(Files.createTempDirectory("octet-fuzz"));
      folder = temporary(Files.createDirectory(base.resolve("folder")));
      Path sub = temporary(Files.createDirectory(folder.resolve("sub")));
      Path outside = temporary(Files.createDirectory(base.resolve("outside")));
      Path target = temporary(outside.resolve("o"));
      Files.write(target, new byte[] {OUTSIDE, OUTSIDE});
      Files.write(temporary(folder.resolve("d")), new byte[] {INSIDE, INSIDE});
      Files.write(temporary(sub.resolve("d")), new byte[] {INSIDE, INSIDE});
      Files.createSymbolicLink(temporary(folder.resolve("l")), target);
      Files.createSymbolicLink(temporary(folder.resolve("p")), outside);
      Files.createLink(temporary(folder.resolve("h")), target);
      modelFolder = folder;
    }
    return folder;
  }

  /** Goes when the JVM does, last marked first. */
  private static Path temporary(Path path) {
    path.toFile().deleteOnExit();
    return path;
  }
}
