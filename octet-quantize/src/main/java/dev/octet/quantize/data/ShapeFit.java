package dev.octet.quantize.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Decides whether, and as what shape, a sample's tensor is what a model input wants. */
final class ShapeFit {

  private ShapeFit() {}

  /**
   * The shape to give the tensor; empty if it does not fit. The model's batch axis is taken as 1.
   * Only axes of size 1 come and go, or all axes are flattened into one or out of one: moving axes
   * (channels first or last) would silently mix up the elements.
   */
  static Optional<int[]> fit(ModelInput input, HostTensor tensor) {
    int[] given = tensor.shape();
    int rank = input.rank();
    if (given.length == rank) {
      boolean same = true;
      for (int axis = 1; axis < rank; axis++) {
        same &= !input.isFixed(axis) || input.dims().get(axis) == given[axis];
      }
      if (same && (rank == 0 || !input.isFixed(0) || given[0] == 1)) {
        return Optional.of(given);
      }
    }
    return solved(input, tensor.elementCount())
        .filter(
            shape -> {
              List<Integer> have = withoutOnes(given);
              List<Integer> want = withoutOnes(shape);
              return have.equals(want) || have.size() <= 1 || want.size() <= 1;
            });
  }

  /** The input's shape with batch 1 and at most one other free axis worked out. */
  private static Optional<int[]> solved(ModelInput input, long elements) {
    int[] shape = new int[input.rank()];
    long known = 1;
    int free = -1;
    for (int axis = 0; axis < shape.length; axis++) {
      // Fixed batches larger than 1 are stacked later from samples of batch 1; an axis 0 that is
      // the only one is data rather than batch.
      boolean batch = axis == 0 && shape.length > 1;
      if (batch) {
        shape[0] = 1;
      } else if (input.isFixed(axis)) {
        shape[axis] = Math.toIntExact(input.dims().get(axis));
      } else if (free < 0) {
        free = axis;
        shape[axis] = 1;
      } else {
        return Optional.empty();
      }
      known *= shape[axis];
      if (known > Integer.MAX_VALUE) {
        return Optional.empty(); // more than any tensor of ours has
      }
    }
    if (free >= 0 && known > 0 && elements % known == 0) {
      shape[free] = Math.toIntExact(elements / known);
      known *= shape[free];
    }
    return known == elements ? Optional.of(shape) : Optional.empty();
  }

  private static List<Integer> withoutOnes(int[] shape) {
    List<Integer> kept = new ArrayList<>();
    Arrays.stream(shape).filter(size -> size != 1).forEach(kept::add);
    return kept;
  }

  static String advice(ModelInput input) {
    if (input.rank() == 4 && input.isFixed(2) && input.isFixed(3)) {
      boolean last = input.dims().get(3) <= 4 && input.dims().get(1) > 4;
      long height = input.dims().get(last ? 1 : 2);
      long width = input.dims().get(last ? 2 : 3);
      return "for images set --size "
          + (height == width ? String.valueOf(height) : height + "x" + width)
          + (last ? " and --layout nhwc" : "");
    }
    return "give arrays with one row for each sample, of the model's shape";
  }
}
