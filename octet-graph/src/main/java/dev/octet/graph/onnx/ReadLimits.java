package dev.octet.graph.onnx;

/**
 * What a file may ask for before it is refused. A model that exceeds a limit gives a {@link
 * dev.octet.graph.ModelException} that names the limit.
 *
 * @param maxFileBytes size of the model file itself; at most 2³¹ − 1, protobuf's own bound
 * @param maxNesting graphs within graphs: 1 allows a body of Loop in the main graph
 * @param maxNodes nodes of all graphs and functions together
 * @param maxTensors tensors of all graphs and attributes together
 * @param maxTensorBytes bytes of one tensor
 * @param maxTotalBytes bytes that the model may need in memory, estimated before anything is built;
 *     independently of it a model is refused that would not fit in half of the heap
 */
public record ReadLimits(
    long maxFileBytes,
    int maxNesting,
    int maxNodes,
    int maxTensors,
    long maxTensorBytes,
    long maxTotalBytes) {

  private static final int DEEPEST = 64;

  /** Checks the limits themselves. */
  public ReadLimits {
    atLeastOne("maxFileBytes", maxFileBytes);
    atLeastOne("maxNodes", maxNodes);
    atLeastOne("maxTensors", maxTensors);
    atLeastOne("maxTensorBytes", maxTensorBytes);
    atLeastOne("maxTotalBytes", maxTotalBytes);
    if (maxFileBytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "maxFileBytes is " + maxFileBytes + "; choose at most " + Integer.MAX_VALUE);
    }
    if (maxNesting < 0 || maxNesting > DEEPEST) {
      throw new IllegalArgumentException(
          "maxNesting is " + maxNesting + "; choose 0 to " + DEEPEST);
    }
  }

  /**
   * The defaults: files to 2³¹ − 1 bytes, 16 graphs deep, a million nodes, a million tensors, 2³¹ −
   * 1 bytes a tensor, 64 GiB in all (and half of the heap).
   */
  public static ReadLimits defaults() {
    return new ReadLimits(
        Integer.MAX_VALUE, 16, 1_000_000, 1_000_000, Integer.MAX_VALUE, 64L << 30);
  }

  /** The same with another {@link #maxFileBytes}. */
  public ReadLimits withMaxFileBytes(long bytes) {
    return new ReadLimits(bytes, maxNesting, maxNodes, maxTensors, maxTensorBytes, maxTotalBytes);
  }

  /** The same with another {@link #maxNesting}. */
  public ReadLimits withMaxNesting(int graphs) {
    return new ReadLimits(
        maxFileBytes, graphs, maxNodes, maxTensors, maxTensorBytes, maxTotalBytes);
  }

  /** The same with another {@link #maxNodes}. */
  public ReadLimits withMaxNodes(int nodes) {
    return new ReadLimits(
        maxFileBytes, maxNesting, nodes, maxTensors, maxTensorBytes, maxTotalBytes);
  }

  /** The same with another {@link #maxTensors}. */
  public ReadLimits withMaxTensors(int tensors) {
    return new ReadLimits(
        maxFileBytes, maxNesting, maxNodes, tensors, maxTensorBytes, maxTotalBytes);
  }

  /** The same with another {@link #maxTensorBytes}. */
  public ReadLimits withMaxTensorBytes(long bytes) {
    return new ReadLimits(maxFileBytes, maxNesting, maxNodes, maxTensors, bytes, maxTotalBytes);
  }

  /** The same with another {@link #maxTotalBytes}. */
  public ReadLimits withMaxTotalBytes(long bytes) {
    return new ReadLimits(maxFileBytes, maxNesting, maxNodes, maxTensors, maxTensorBytes, bytes);
  }

  private static void atLeastOne(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; choose 1 or more");
    }
  }
}
