package dev.octet.quantize.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/** A file of records, plain or gzip, and reading from it with messages that name it. */
final class DataFile {

  private static final int BUFFER_BYTES = 1 << 16;
  private static final int GZIP_MAGIC = 0x8b1f;

  private DataFile() {}

  /** Opens a file for reading; unpacks it when its first two bytes say that it is gzip. */
  static InputStream open(Path file) {
    InputStream raw = null;
    try {
      raw = new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES);
      return isGzip(file) ? new GZIPInputStream(raw, BUFFER_BYTES) : raw;
    } catch (IOException e) {
      closeQuietly(raw);
      throw failed(file, e);
    }
  }

  /**
   * The size of the content in bytes: the file's own, or what a gzip file says of itself in its
   * last four bytes (modulo 2^32, and not to be relied on).
   */
  static OptionalLong contentSize(Path file) {
    try {
      long length = Files.size(file);
      if (!isGzip(file)) {
        return OptionalLong.of(length);
      }
      try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "r")) {
        bytes.seek(length - Integer.BYTES);
        return OptionalLong.of(Integer.toUnsignedLong(Integer.reverseBytes(bytes.readInt())));
      }
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  /**
   * Reads exactly {@code count} bytes; null when there is none left at all. Memory grows with what
   * is really there, not with {@code count}.
   */
  static byte @Nullable [] read(InputStream in, int count, String where) {
    byte[] bytes;
    try {
      bytes = in.readNBytes(count);
    } catch (IOException e) {
      throw new DataException("'" + where + "' cannot be read: " + reason(e), e);
    }
    if (bytes.length == 0 && count > 0) {
      return null;
    }
    if (bytes.length < count) {
      throw new DataException(
          "'"
              + where
              + "' ends after "
              + bytes.length
              + " of "
              + count
              + " bytes; the file is cut short, get it again");
    }
    return bytes;
  }

  /** Reads exactly {@code count} bytes, at least one of which must be there. */
  static byte[] require(InputStream in, int count, String where) {
    byte[] bytes = read(in, count, where);
    if (bytes == null) {
      throw new DataException("'" + where + "' is missing; the file is cut short, get it again");
    }
    return bytes;
  }

  static void closeQuietly(java.io.@Nullable Closeable closeable) {
    if (closeable != null) {
      try {
        closeable.close();
      } catch (IOException e) {
        // Only reading: nothing is lost when closing fails.
      }
    }
  }

  static DataException failed(Path file, IOException e) {
    return new DataException("'" + file + "' cannot be read: " + reason(e), e);
  }

  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "there is no such file";
    }
    if (e instanceof EOFException) {
      return "it is cut short";
    }
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  private static boolean isGzip(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return in.read() + (in.read() << 8) == GZIP_MAGIC;
    }
  }
}
