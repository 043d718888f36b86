package dev.octet.graph.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes ONNX models. Equal models give equal bytes. Thread-safe. */
public final class OnnxWriter {
  private OnnxWriter() {}

  /**
   * The model as the bytes of one file.
   *
   * @throws ModelException if the model is not sound or does not fit one file
   */
  public static byte[] toBytes(Model model) {
    return ModelEncoder.encode(model, new TensorEncoder()).toByteArray();
  }

  /** Writes the model to one file; see the longer form. */
  public static void write(Model model, Path file) {
    write(model, file, WriteOptions.embedded());
  }

  /**
   * Writes the model. Until everything is on disk the file keeps its former content.
   *
   * @throws ModelException if the model is not sound, does not fit one file or cannot be written
   */
  public static void write(Model model, Path file, WriteOptions options) {
    ModelProto proto = ModelEncoder.encode(model, new TensorEncoder());
    try {
      Files.write(file, proto.toByteArray());
    } catch (IOException e) {
      throw new ModelException(file + ": the file cannot be written: " + e.getMessage(), e);
    }
  }
}
