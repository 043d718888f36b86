package dev.octet.engine.dnnl;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/**
 * A block of native memory, aligned for vectors and zero at first, that its owner closes.
 *
 * <p>Views of a block made by the constructor are dead once it is closed, and must not leave the
 * engine. A {@link #shared} block lives as long as any view of it: what callers may hold.
 */
public final class Memory implements AutoCloseable {
  /** A cache line, and the width of the widest vector. */
  public static final int ALIGNMENT = 64;

  private final BytePointer block;
  private final long start;
  private final long bytes;
  private final @Nullable ByteBuffer heap;

  /**
   * {@code bytes} bytes, all zero.
   *
   * @throws DnnlException if there are not so many
   */
  public Memory(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("memory of " + bytes + " bytes");
    }
    this.bytes = bytes;
    this.heap = null;
    this.block = allocate(bytes + ALIGNMENT);
    this.start = Math.floorMod(-block.address(), (long) ALIGNMENT);
    Pointer.memset(block, 0, bytes + ALIGNMENT);
  }

  private static BytePointer allocate(long bytes) {
    try {
      return Native.own(new BytePointer(bytes));
    } catch (OutOfMemoryError refused) {
      throw outOfMemory(bytes, refused);
    }
  }

  private static DnnlException outOfMemory(long bytes, OutOfMemoryError refused) {
    return new DnnlException(
        "there are no " + bytes + " bytes of native memory: " + refused.getMessage(), refused);
  }

  private Memory(ByteBuffer buffer, int bytes) {
    this.bytes = bytes;
    this.heap = buffer;
    try (PointerScope scope = new PointerScope()) {
      this.block = Native.own(new BytePointer(buffer));
    }
    this.start = 0;
  }

  /** {@code bytes} bytes, all zero, whose views stay valid after {@link #close}. */
  public static Memory shared(int bytes) {
    int whole = Math.addExact(bytes, ALIGNMENT);
    try {
      return new Memory(ByteBuffer.allocateDirect(whole).alignedSlice(ALIGNMENT), bytes);
    } catch (OutOfMemoryError refused) {
      throw outOfMemory(whole, refused);
    }
  }

  /** Number of bytes. */
  public long sizeBytes() {
    return bytes;
  }

  /** Little-endian view of {@code length} bytes from {@code offset}. */
  public ByteBuffer buffer(long offset, long length) {
    if (heap != null) {
      return heap.slice(Math.toIntExact(offset), Math.toIntExact(length))
          .order(ByteOrder.LITTLE_ENDIAN);
    }
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
