package dev.octet.engine.dnnl;

import dev.octet.graph.DataType;
import java.util.Arrays;
import java.util.function.Predicate;

/**
 * Where oneDNN 3.11's code gives wrong sums or crashes, found by comparing random layers with the
 * definition. Predicates tell from an implementation's name whether it must be passed over.
 */
final class Faults {
  private static final long WIDEST_STRIDE = 4096;

  static final Predicate<String> NONE = name -> false;

  private Faults() {}

  static Predicate<String> ofConvolution(
      Layout source, Layout weights, Layout destination, Primitives.Window window, Attributes a) {
    boolean grouped = weights.rank() > source.rank();
    boolean integers = source.type() != DataType.FLOAT;
    // One input and several output channels a group: the weights are not interleaved by four.
    boolean multiplied = integers && grouped && weights.dim(2) == 1 && weights.dim(1) > 1;
    // The zero point of the input is not taken off where a window lies in padding alone.
    boolean lost = a.hasZeroPoint(Args.SRC) && anyEmpty(source, destination, window);
    return multiplied || lost || isNarrow(source, weights, destination, window)
        ? name -> name.startsWith("brg_conv_fwd")
        : NONE;
  }

  /** Its binary primitive crashes where operand and result are in blocks of another kind. */
  static void refuseMixedBlocks(Layout first, Layout destination) {
    if ((first.isBlocked() || destination.isBlocked())
        && !first.order().equals(destination.order())) {
      throw new DnnlException("no binary primitive from " + first + " to " + destination);
    }
  }

  /**
   * Integers with padding in one dimension and strides or output padding in another; and strides so
   * large that the code for strides takes minutes.
   */
  static Predicate<String> ofDeconvolution(Layout source, Primitives.Window window) {
    boolean wide = Arrays.stream(window.strides()).anyMatch(stride -> stride > WIDEST_STRIDE);
    boolean integers = source.type() != DataType.FLOAT;
    return name ->
        (wide && name.contains("strided"))
            || (integers && (name.startsWith("jit_deconv") || name.startsWith("jit_uni_int8")));
  }

  /** One input channel and one column of results that does not read to the end of the rows. */
  private static boolean isNarrow(
      Layout source, Layout weights, Layout destination, Primitives.Window window) {
    int last = source.rank() - 1;
    return weights.dim(weights.rank() - last) == 1
        && destination.dim(last) == 1
        && window.padEnd()[last - 2] < 0;
  }

  private static boolean anyEmpty(Layout source, Layout destination, Primitives.Window window) {
    for (int i = 0; i + 2 < source.rank(); i++) {
      long size = source.dim(i + 2);
      for (long place = 0; place < destination.dim(i + 2); place++) {
        boolean empty = true;
        for (long k = 0; k < window.kernel()[i] && empty; k++) {
          long at = place * window.strides()[i] - window.padBegin()[i] + k * window.dilations()[i];
          empty = at < 0 || at >= size;
        }
        if (empty) {
          return true;
        }
      }
    }
    return false;
  }
}
