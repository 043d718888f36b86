package dev.octet.engine.dnnl;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** A block of native memory, aligned for vectors and zero at first, that its owner closes. */
public final class Memory implements AutoCloseable {
  /** A cache line, and the width of the widest vector. */
  public static final int ALIGNMENT = 64;

  private final BytePointer block;
  private final long start;
  private final long bytes;

  /** {@code bytes} bytes, all zero. */
  public Memory(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("memory of " + bytes + " bytes");
    }
    this.bytes = bytes;
    this.block = Native.own(new BytePointer(bytes + ALIGNMENT));
    this.start = Math.floorMod(-block.address(), (long) ALIGNMENT);
    Pointer.memset(block, 0, bytes + ALIGNMENT);
  }

  /** Number of bytes. */
  public long sizeBytes() {
    return bytes;
  }

  /** Little-endian view of {@code length} bytes from {@code offset}; dead once this is closed. */
  public ByteBuffer buffer(long offset, long length) {
    return at(offset, length).capacity(length).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A pointer to {@code offset}, checked to have {@code length} bytes behind it. */
  BytePointer at(long offset, long length) {
    if (offset < 0 || length < 0 || offset + length > bytes) {
      throw new IndexOutOfBoundsException(
          length + " bytes at " + offset + " of a block of " + bytes);
    }
    return block.getPointer(start + offset);
  }

  @Override
  public void close() {
    Native.free(block);
  }
}
