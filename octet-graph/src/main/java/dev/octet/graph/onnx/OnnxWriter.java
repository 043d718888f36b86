package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.octet.graph.Attribute;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Writes ONNX models. Equal models give equal bytes.
 *
 * <p>A model is checked before anything is written: versions, names, and that every link leads
 * somewhere. Thread-safe as long as nobody changes the model meanwhile.
 */
public final class OnnxWriter {
  /** What one file can hold less some room for everything that is not a tensor. */
  private static final long MOST_EMBEDDED_BYTES = Integer.MAX_VALUE - (64L << 20);

  private static final int DIGEST_LETTERS = 16;

  private OnnxWriter() {}

  /**
   * The model as the bytes of one file.
   *
   * @throws ModelException if the model is not sound or does not fit one file
   */
  public static byte[] toBytes(Model model) {
    ModelCheck.check(model);
    checkFits(model, null);
    return ModelEncoder.encode(model, TensorEncoder.embedding()).toByteArray();
  }

  /** Writes the model to one file; see the longer form. */
  public static void write(Model model, Path file) {
    write(model, file, WriteOptions.embedded());
  }

  /**
   * Writes the model. Until everything is on disk, {@code file} keeps its former content; when
   * writing fails, nothing new is left behind. A symbolic link under that name is replaced, not
   * followed.
   *
   * <p>External data goes to a file called {@code <name>.<digest of the content>.data} in the same
   * folder, which is complete before the model names it. A former model's data has another name and
   * stays where it is, because other files may refer to it.
   *
   * @throws ModelException if the model is not sound, does not fit or cannot be written
   */
  public static void write(Model model, Path file, WriteOptions options) {
    try {
      ModelCheck.check(model);
      ExternalLayout layout = new ExternalLayout(model.graph(), options);
      checkFits(model, layout);
      if (layout.isEmpty()) {
        writeModel(ModelEncoder.encode(model, TensorEncoder.embedding()), file);
      } else {
        writeWithData(model, file, layout);
      }
    } catch (ModelException e) {
      throw new ModelException(file + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new ModelException(file + ": the model cannot be written: " + e, e);
    }
  }

  private static void writeModel(ModelProto proto, Path file) throws IOException {
    try (AtomicFile model = new AtomicFile(AtomicFile.folderOf(file), proto::writeTo)) {
      model.moveTo(file);
    }
  }

  private static void writeWithData(Model model, Path file, ExternalLayout layout)
      throws IOException {
    Path folder = AtomicFile.folderOf(file);
    MessageDigest digest = sha256();
    try (AtomicFile data =
        new AtomicFile(folder, out -> layout.writeTo(new DigestOutputStream(out, digest)))) {
      String hash = HexFormat.of().formatHex(digest.digest()).substring(0, DIGEST_LETTERS);
      Path dataFile = folder.resolve(file.getFileName() + "." + hash + ".data");
      boolean isNew = !Files.exists(dataFile, LinkOption.NOFOLLOW_LINKS);
      String location = dataFile.getFileName().toString();
      ModelProto proto = ModelEncoder.encode(model, TensorEncoder.referring(layout, location));
      data.moveTo(dataFile);
      try {
        writeModel(proto, file);
      } catch (IOException | RuntimeException | Error e) {
        if (isNew) {
          Files.deleteIfExists(dataFile);
        }
        throw e;
      }
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static void checkFits(Model model, @Nullable ExternalLayout layout) {
    long bytes = embeddedBytes(model.graph(), layout);
    if (bytes > MOST_EMBEDDED_BYTES) {
      throw new ModelException(
          "tensors of "
              + bytes
              + " bytes do not fit one file (at most "
              + MOST_EMBEDDED_BYTES
              + "); write with WriteOptions.external");
    }
  }

  private static long embeddedBytes(Graph graph, @Nullable ExternalLayout layout) {
    long bytes = 0;
    for (Value value : graph.values()) {
      Tensor tensor = value.initializer();
      if (tensor != null && (layout == null || layout.offset(tensor) == null)) {
        bytes += tensor.sizeBytes();
      }
    }
    for (Node node : graph.nodes()) {
      for (Attribute attribute : node.attributes().values()) {
        bytes += attribute instanceof Attribute.TensorValue tensor ? tensor.value().sizeBytes() : 0;
      }
      for (Graph nested : node.nestedGraphs()) {
        bytes += embeddedBytes(nested, layout);
      }
    }
    return bytes;
  }
}
