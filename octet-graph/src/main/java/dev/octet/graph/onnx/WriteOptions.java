package dev.octet.graph.onnx;

/**
 * How a model is laid out on disk.
 *
 * @param externalBytes tensors of at least so many bytes go to a file beside the model; {@link
 *     Long#MAX_VALUE} keeps all inside
 * @param alignment where tensors start in that file: multiples of so many bytes, a power of two
 */
public record WriteOptions(long externalBytes, int alignment) {
  private static final int PAGE = 4096;

  /** Checks the options. */
  public WriteOptions {
    if (externalBytes < 0) {
      throw new IllegalArgumentException(
          "externalBytes is " + externalBytes + "; choose 0 or more");
    }
    if (alignment < 1 || Integer.bitCount(alignment) != 1) {
      throw new IllegalArgumentException(
          "alignment is " + alignment + "; choose a power of two, such as " + PAGE);
    }
  }

  /** Everything in one file: the default. */
  public static WriteOptions embedded() {
    return new WriteOptions(Long.MAX_VALUE, PAGE);
  }

  /** Initializers of at least {@code bytes} bytes beside the model, each on a page of its own. */
  public static WriteOptions external(long bytes) {
    return new WriteOptions(bytes, PAGE);
  }
}
