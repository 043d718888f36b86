package dev.octet.torch.weights;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** An open file whose size is known before anything is allocated for its content. */
final class WeightFile implements AutoCloseable {
  /** More dimensions than any layer has, and the most that tensor libraries take. */
  static final int MAX_RANK = 64;

  private static final int MAX_BUFFER = Integer.MAX_VALUE - 8;

  /** What is done with a file. */
  @FunctionalInterface
  interface Action<T> {
    T run() throws IOException;
  }

  private final FileChannel channel;
  private final long size;

  WeightFile(Path path) throws IOException {
    if (!Files.isRegularFile(path)) {
      throw new WeightsException(
          Files.exists(path) ? "is not a regular file" : "does not exist; check the path");
    }
    channel = FileChannel.open(path, StandardOpenOption.READ);
    size = channel.size();
  }

  /** Runs {@code action} so that every failure names {@code path}. */
  static <T> T naming(Path path, Action<T> action) {
    try {
      return action.run();
    } catch (WeightsException e) {
      throw new WeightsException(path + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new WeightsException(path + ": " + e, e);
    }
  }

  long size() {
    return size;
  }

  /** {@code length} bytes from {@code offset}, little-endian. */
  ByteBuffer read(long offset, long length, String what, MemoryBudget budget) throws IOException {
    if (offset < 0 || length < 0 || length > size - offset) {
      throw new WeightsException(
          what
              + " needs "
              + length
              + " bytes from byte "
              + offset
              + ", but the file ends at "
              + size
              + "; it is cut short or damaged");
    }
    ByteBuffer bytes = allocate(length, what, budget);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, offset + bytes.position()) < 0) {
        throw new WeightsException("the file became shorter while it was read");
      }
    }
    return bytes.flip();
  }

  /** The bytes from {@code offset} one after the other, which the file must have. */
  InputStream stream(long offset, long length) throws IOException {
    if (offset < 0 || length < 0 || length > size - offset) {
      throw new WeightsException("a part of the file lies beyond its end; it is cut short");
    }
    channel.position(offset);
    return new BufferedInputStream(Channels.newInputStream(channel));
  }

  /** A buffer, little-endian, once the budget allows it. */
  static ByteBuffer allocate(long length, String what, MemoryBudget budget) {
    if (length > MAX_BUFFER) {
      throw new WeightsException(
          what + " takes " + length + " bytes; the most for one tensor is " + MAX_BUFFER);
    }
    budget.take(length, what);
    return ByteBuffer.allocate((int) length).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
