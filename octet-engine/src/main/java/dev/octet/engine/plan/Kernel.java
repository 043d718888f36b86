package dev.octet.engine.plan;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * A step written in Java, for what oneDNN has no primitive for.
 *
 * <p>{@link #bind} is called once for each frame, with little-endian views of exactly the bytes of
 * what is read and written, in the order in which the lowering listed them. The result runs many
 * times, on one thread at a time, and must neither allocate nor write outside of what it was given
 * to write. A buffer that is read and written at once appears in both lists.
 */
@FunctionalInterface
public interface Kernel {
  /** Binds the computation to memory. */
  Runnable bind(List<ByteBuffer> reads, List<ByteBuffer> writes);
}
