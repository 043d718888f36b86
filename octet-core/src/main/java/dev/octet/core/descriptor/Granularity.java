package dev.octet.core.descriptor;

/**
 * Which elements of a tensor share one scale and zero point.
 *
 * <p>The axis named is the one that <em>keeps</em> its own scales (pytorch-quantization's and
 * ONNX's meaning), not the one that is reduced away. Negative axes count from the last, as in ONNX.
 */
public sealed interface Granularity {

  /** One scale for the whole tensor. */
  record PerTensor() implements Granularity {
    @Override
    public String toString() {
      return "per tensor";
    }
  }

  /** One scale for each index along {@code axis}. */
  record PerAxis(int axis) implements Granularity {
    @Override
    public String toString() {
      return "per channel of axis " + axis;
    }
  }

  /**
   * One scale for each run of {@code size} consecutive elements along {@code axis}, and for each
   * index of every other axis; the last run may be shorter. ONNX: {@code block_size} of
   * QuantizeLinear, opset 21.
   */
  record PerBlock(int axis, int size) implements Granularity {
    public PerBlock {
      if (size < 1) {
        throw new IllegalArgumentException("block size is " + size + "; choose 1 or more");
      }
    }

    @Override
    public String toString() {
      return "per block of " + size + " along axis " + axis;
    }
  }

  /** The granularity of one scale for the whole tensor. */
  static Granularity perTensor() {
    return new PerTensor();
  }

  /** The granularity of one scale for each index along {@code axis}. */
  static Granularity perAxis(int axis) {
    return new PerAxis(axis);
  }

  /** The granularity of one scale for each run of {@code size} elements along {@code axis}. */
  static Granularity perBlock(int axis, int size) {
    return new PerBlock(axis, size);
  }
}
