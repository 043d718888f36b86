package dev.octet.engine.plan;

import dev.octet.engine.dnnl.Memory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Gives every buffer its place in the arena, so that buffers whose lives overlap never share a
 * byte. Largest first, each at the lowest place that is free while it lives.
 */
final class MemoryPlan {
  private MemoryPlan() {}

  /** Sets the offsets of what callers fill and read, and returns the bytes that it takes. */
  static long ports(List<Buffer> buffers) {
    long size = 0;
    for (Buffer buffer : buffers) {
      if (buffer.port) {
        buffer.offset = size;
        size += aligned(buffer.bytes);
      }
    }
    return size;
  }

  /** Sets the offsets of the other buffers and returns the arena's size in bytes. */
  static long place(List<Buffer> buffers) {
    List<Buffer> order = new ArrayList<>(buffers);
    order.sort(Comparator.comparingLong((Buffer b) -> b.bytes).reversed());
    List<Buffer> placed = new ArrayList<>();
    long size = 0;
    for (Buffer buffer : order) {
      if (buffer.lastStep < 0 || buffer.port) {
        continue;
      }
      long offset = 0;
      // Kept sorted by offset: the first gap that is wide enough is the lowest.
      for (Buffer other : placed) {
        if (!overlaps(buffer, other)) {
          continue;
        }
        if (offset + buffer.bytes <= other.offset) {
          break;
        }
        offset = Math.max(offset, aligned(other.offset + other.bytes));
      }
      buffer.offset = offset;
      size = Math.max(size, offset + aligned(buffer.bytes));
      placed.add(buffer);
      placed.sort(Comparator.comparingLong(b -> b.offset));
    }
    return size;
  }

  private static boolean overlaps(Buffer a, Buffer b) {
    return a.firstStep <= b.lastStep && b.firstStep <= a.lastStep;
  }

  private static long aligned(long bytes) {
    return (bytes + Memory.ALIGNMENT - 1) / Memory.ALIGNMENT * Memory.ALIGNMENT;
  }
}
