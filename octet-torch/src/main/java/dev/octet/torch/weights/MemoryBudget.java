package dev.octet.torch.weights;

/**
 * The memory one read may use, taken before it is allocated: what the caller allows, and never more
 * than half of the heap. Not thread-safe.
 */
final class MemoryBudget {
  private final long limit;
  private long used;

  MemoryBudget(long maxBytes) {
    if (maxBytes < 1) {
      throw new IllegalArgumentException("maxBytes is " + maxBytes + "; choose 1 or more");
    }
    this.limit = Math.min(maxBytes, Runtime.getRuntime().maxMemory() / 2);
  }

  void take(long bytes, String what) {
    if (bytes > limit - used) {
      throw new WeightsException(
          what
              + " would take the memory for this file above "
              + limit
              + " bytes; allow more (maxBytes), or, as it is never more than half of the heap, give"
              + " the JVM more (-Xmx)");
    }
    used += bytes;
  }
}
