package dev.octet.graph.onnx;

import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Reads ONNX models of operator sets 7 to 23.
 *
 * <p>A file is taken as hostile: whatever it holds, reading ends with a {@link Model} whose links
 * are sound or with one {@link ModelException} that names the file and the place. Weights are not
 * copied: the tensors of the model share one array with the content of the file.
 *
 * <p>Operators are not checked against their definitions, so unknown ones are read like any other.
 * Thread-safe.
 */
public final class OnnxReader {
  private OnnxReader() {}

  /** Reads the model in {@code file} within the {@linkplain ReadLimits#defaults() usual limits}. */
  public static Model read(Path file) {
    return read(file, ReadLimits.defaults());
  }

  /**
   * Reads the model in {@code file}. External data must lie in regular files in or below its
   * folder, reached without links of either kind.
   *
   * @throws ModelException if the file cannot be read, breaks a limit or is no sound model
   */
  public static Model read(Path file, ReadLimits limits) {
    return naming(
        file.toString(),
        () -> {
          byte[] content = content(file, limits);
          try (ExternalFiles external = new ExternalFiles(file)) {
            return ModelDecoder.decode(content, limits, external);
          } catch (IOException e) {
            throw new ModelException("external data cannot be closed: " + e.getMessage(), e);
          }
        });
  }

  /** Reads a model from memory within the usual limits; see the longer form. */
  public static Model read(byte[] content, String origin) {
    return read(content, origin, ReadLimits.defaults());
  }

  /**
   * Reads a model from memory. The content is copied.
   *
   * @param content the bytes of a model without external data
   * @param origin what messages call it
   * @throws ModelException if it breaks a limit or is no sound model
   */
  public static Model read(byte[] content, String origin, ReadLimits limits) {
    return naming(
        origin,
        () -> {
          checkSize(content.length, limits);
          return ModelDecoder.decode(content.clone(), limits, ExternalData.NONE);
        });
  }

  /** Reads a model from a stream within the usual limits; see the longer form. */
  public static Model read(InputStream content, String origin) {
    return read(content, origin, ReadLimits.defaults());
  }

  /**
   * Reads a model from a stream, to its end. The stream stays open.
   *
   * @param content a model without external data
   * @param origin what messages call it
   * @throws ModelException if it cannot be read, breaks a limit or is no sound model
   */
  public static Model read(InputStream content, String origin, ReadLimits limits) {
    return naming(
        origin, () -> ModelDecoder.decode(content(content, limits), limits, ExternalData.NONE));
  }

  private static byte[] content(Path file, ReadLimits limits) {
    try {
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        throw new ModelException("this is not a regular file");
      }
      checkSize(Files.size(file), limits);
      try (InputStream in = Files.newInputStream(file)) {
        return content(in, limits);
      }
    } catch (NoSuchFileException e) {
      throw new ModelException("there is no such file", e);
    } catch (IOException e) {
      throw new ModelException("the file cannot be read: " + e.getMessage(), e);
    }
  }

  /** Grows with what really arrives, so that a wrong size in advance costs nothing. */
  private static byte[] content(InputStream in, ReadLimits limits) {
    try {
      int most = (int) Math.min(limits.maxFileBytes() + 1, Integer.MAX_VALUE - 8);
      byte[] content = in.readNBytes(most);
      checkSize(content.length, limits);
      return content;
    } catch (IOException e) {
      throw new ModelException("the model cannot be read: " + e.getMessage(), e);
    }
  }

  private static void checkSize(long bytes, ReadLimits limits) {
    if (bytes > limits.maxFileBytes()) {
      throw new ModelException(
          "the file has "
              + bytes
              + " bytes; the limit (maxFileBytes) is "
              + limits.maxFileBytes()
              + "; keep the weights as external data");
    }
  }

  private interface Reading {
    Model read();
  }

  /** Puts the origin before every message. */
  private static Model naming(String origin, Reading reading) {
    try {
      return reading.read();
    } catch (ModelException e) {
      throw new ModelException(Texts.shown(origin) + ": " + e.getMessage(), e);
    }
  }
}
