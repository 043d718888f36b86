package dev.octet.graph.onnx;

import com.google.protobuf.Message;
import dev.octet.graph.Bytes;
import dev.octet.graph.ModelException;

/** What one read has used of its limits. Not thread-safe. */
final class Budget {
  private final ReadLimits limits;
  private final long heapShare;
  private long bytes;

  Budget(ReadLimits limits) {
    this.limits = limits;
    this.heapShare = Runtime.getRuntime().maxMemory() / 2;
  }

  ReadLimits limits() {
    return limits;
  }

  /** Takes {@code more} bytes of memory, before they are allocated. */
  void take(long more, String where) {
    bytes = saturatedSum(bytes, more);
    if (bytes > limits.maxTotalBytes()) {
      throw new ModelException(
          where
              + " brings the model to "
              + bytes
              + " bytes in memory; the limit (maxTotalBytes) is "
              + limits.maxTotalBytes());
    }
    if (bytes > heapShare) {
      throw new ModelException(
          where
              + " brings the model to "
              + bytes
              + " bytes in memory, more than half of the heap; give the JVM more (-Xmx)");
    }
  }

  /** Encodes a part that is kept unread. */
  Bytes keep(Message part) {
    take(2L * part.getSerializedSize(), "a part that is kept unread");
    return Bytes.copyOf(part.toByteArray());
  }

  private static long saturatedSum(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }
}
