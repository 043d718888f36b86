package dev.octet.graph.onnx;

import dev.octet.graph.Model;
import dev.octet.graph.ModelException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;

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
  private static final int PIECE = 1 << 16;

  /** The longest array that every JVM can make. */
  private static final int MOST_BYTES = Integer.MAX_VALUE - 8;

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
          Budget budget = new Budget(limits);
          byte[] content = content(file, budget);
          try (ExternalFiles external = new ExternalFiles(file)) {
            return ModelDecoder.decode(content, budget, external);
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
          Budget budget = new Budget(limits);
          budget.take(content.length, "the file");
          return ModelDecoder.decode(content.clone(), budget, ExternalData.NONE);
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
        origin,
        () -> {
          Budget budget = new Budget(limits);
          return ModelDecoder.decode(content(content, budget), budget, ExternalData.NONE);
        });
  }

  private static byte[] content(Path file, Budget budget) {
    try {
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        throw new ModelException("this is not a regular file");
      }
      long size = Files.size(file);
      checkSize(size, budget.limits());
      budget.take(size, "the file");
      byte[] content = new byte[(int) size];
      try (InputStream in = Files.newInputStream(file)) {
        if (fill(in, content, 0) < content.length || in.read() >= 0) {
          throw new ModelException("the file changed while it was read");
        }
      }
      return content;
    } catch (NoSuchFileException e) {
      throw new ModelException("there is no such file", e);
    } catch (IOException e) {
      throw new ModelException("the file cannot be read: " + e.getMessage(), e);
    }
  }

  /** Grows with what really arrives. */
  private static byte[] content(InputStream in, Budget budget) {
    try {
      byte[] content = new byte[PIECE];
      int filled = fill(in, content, 0);
      while (filled == content.length) {
        checkSize(filled, budget.limits());
        int more = Math.min(filled, MOST_BYTES - filled);
        if (more == 0) {
          throw new ModelException("the model has more than " + MOST_BYTES + " bytes");
        }
        budget.take((long) filled + more, "the file");
        content = Arrays.copyOf(content, filled + more);
        filled = fill(in, content, filled);
      }
      checkSize(filled, budget.limits());
      return Arrays.copyOf(content, filled);
    } catch (IOException e) {
      throw new ModelException("the model cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * Reads to the end of {@code content} or of the stream, and returns where that was. In pieces: to
   * read at once, files take native memory of the same size, and channels keep it.
   */
  private static int fill(InputStream in, byte[] content, int from) throws IOException {
    int filled = from;
    int read = -1;
    while (filled < content.length && read != 0) {
      read = in.readNBytes(content, filled, Math.min(PIECE, content.length - filled));
      filled += read;
    }
    return filled;
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
      throw new ModelException(origin + ": " + e.getMessage(), e);
    } catch (OutOfMemoryError e) {
      // The estimate was within half of the heap, but something else fills the other half.
      throw new ModelException(origin + ": there is no memory left; give the JVM more (-Xmx)", e);
    }
  }
}
