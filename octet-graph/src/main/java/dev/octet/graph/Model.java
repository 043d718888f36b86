package dev.octet.graph;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A graph with what a file needs around it: format version, operator sets, metadata.
 *
 * <p>Not thread-safe: the graph inside may be changed.
 */
public final class Model {
  private long irVersion;
  private final Map<String, Long> opsets;
  private final Map<String, String> metadata;
  private final Bytes extra;
  private final Graph graph;

  /**
   * A model over {@code graph}.
   *
   * @param irVersion ONNX's format version
   * @param opsets version of each operator set by domain; the empty domain is ONNX's own
   * @param metadata the model's free key-value texts
   * @param graph the main graph
   * @param extra further fields of the file (producer, functions, training information), encoded
   */
  public Model(
      long irVersion,
      Map<String, Long> opsets,
      Map<String, String> metadata,
      Graph graph,
      Bytes extra) {
    this.irVersion = irVersion;
    this.opsets = new LinkedHashMap<>(opsets);
    this.metadata = new LinkedHashMap<>(metadata);
    this.graph = graph;
    this.extra = extra;
  }

  /**
   * A copy that can be changed without changing this model. Tensors are immutable and shared, so it
   * costs no memory for weights.
   */
  public Model copy() {
    return new Model(irVersion, opsets, metadata, GraphCopy.of(graph), extra);
  }

  /** ONNX's format version. */
  public long irVersion() {
    return irVersion;
  }

  /** The main graph. */
  public Graph graph() {
    return graph;
  }

  /** The version of each operator set, by domain. */
  public Map<String, Long> opsets() {
    return Collections.unmodifiableMap(opsets);
  }

  /** The version of ONNX's own operator set; 1 where the file names none. */
  public long opset() {
    return opsets.getOrDefault("", 1L);
  }

  /** Declares that operators of {@code domain} follow {@code version}. */
  public void setOpset(String domain, long version) {
    opsets.put(domain, version);
  }

  /** Raises ONNX's format version to at least {@code version}. */
  public void raiseIrVersion(long version) {
    irVersion = Math.max(irVersion, version);
  }

  /** The model's free key-value texts. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }

  /** Sets one of the model's free texts. */
  public void setMetadata(String key, String text) {
    metadata.put(key, text);
  }

  /** What a file says of the model beyond the above, encoded. */
  public Bytes extra() {
    return extra;
  }
}
