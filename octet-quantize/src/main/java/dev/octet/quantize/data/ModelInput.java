package dev.octet.quantize.data;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * An input or output that a model declares.
 *
 * @param name its name in the model
 * @param type its element type
 * @param dims its shape; {@link #DYNAMIC} for a size that is not fixed
 */
public record ModelInput(String name, ElementType type, List<Long> dims) {

  /** The size of an axis that may have any size. */
  public static final long DYNAMIC = -1;

  public ModelInput {
    dims = List.copyOf(dims);
    for (long size : dims) {
      if (size < DYNAMIC || size > Integer.MAX_VALUE) {
        throw new DataException(
            "model input '"
                + name
                + "' has an axis of size "
                + size
                + "; sizes up to 2^31 - 1 run");
      }
    }
  }

  /** An input with the given shape; {@link #DYNAMIC} where any size will do. */
  public static ModelInput of(String name, ElementType type, long... dims) {
    return new ModelInput(name, type, Arrays.stream(dims).boxed().toList());
  }

  /** The number of axes. */
  public int rank() {
    return dims.size();
  }

  boolean isFixed(int axis) {
    return dims.get(axis) >= 0;
  }

  /** The shape, such as {@code [n, 3, 32, 32]}: n for the batch axis, ? for other free ones. */
  String shapeText() {
    return IntStream.range(0, rank())
        .mapToObj(axis -> isFixed(axis) ? dims.get(axis).toString() : axis == 0 ? "n" : "?")
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
