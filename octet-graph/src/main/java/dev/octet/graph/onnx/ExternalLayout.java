package dev.octet.graph.onnx;

import dev.octet.graph.DataType;
import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which initializers go to the external file, and where in it each starts. */
final class ExternalLayout {
  private static final int CHUNK = 1 << 16;

  private final WriteOptions options;
  private final IdentityHashMap<Tensor, Long> offsets = new IdentityHashMap<>();
  private final Map<Long, Tensor> inOrder = new LinkedHashMap<>();
  private long end;

  /** Lays out the initializers of {@code graph} and its nested graphs; shared tensors once. */
  ExternalLayout(Graph graph, WriteOptions options) {
    this.options = options;
    place(graph);
  }

  private void place(Graph graph) {
    for (Value value : graph.values()) {
      Tensor tensor = value.initializer();
      if (tensor != null && isExternal(tensor) && !offsets.containsKey(tensor)) {
        long mask = options.alignment() - 1L;
        long offset = (end + mask) & ~mask;
        offsets.put(tensor, offset);
        inOrder.put(offset, tensor);
        end = offset + tensor.sizeBytes();
      }
    }
    for (Node node : graph.nodes()) {
      node.nestedGraphs().forEach(this::place);
    }
  }

  private boolean isExternal(Tensor tensor) {
    return tensor.type() != DataType.STRING
        && tensor.sizeBytes() > 0
        && tensor.sizeBytes() >= options.externalBytes();
  }

  boolean isEmpty() {
    return offsets.isEmpty();
  }

  /** Where {@code tensor} starts, or null where it stays in the model. */
  @Nullable Long offset(Tensor tensor) {
    return offsets.get(tensor);
  }

  /** Writes the file; gaps are zero. */
  void writeTo(OutputStream out) throws IOException {
    byte[] chunk = new byte[CHUNK];
    long at = 0;
    for (Map.Entry<Long, Tensor> entry : inOrder.entrySet()) {
      for (; at < entry.getKey(); at++) {
        out.write(0);
      }
      ByteBuffer data = entry.getValue().data();
      while (data.hasRemaining()) {
        int count = Math.min(chunk.length, data.remaining());
        data.get(chunk, 0, count);
        out.write(chunk, 0, count);
        at += count;
      }
    }
  }
}
