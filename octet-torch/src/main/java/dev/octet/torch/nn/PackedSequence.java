package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.RecurrentOps;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Sequences of several lengths without padding, longest first. {@link PackedSequences} makes them.
 *
 * @param data [sum of the lengths, features...]: step 0 of every sequence, then step 1 of those
 *     that have one, and so on; belongs to the scope that it was made in
 * @param batchSizes how many sequences have each step: positive, never growing
 * @param sortedIndices where each packed sequence stood in the batch; null if they stood so
 * @param unsortedIndices where each sequence of the batch is packed; null if they stood so
 */
public record PackedSequence(
    Tensor data,
    List<Long> batchSizes,
    @Nullable List<Long> sortedIndices,
    @Nullable List<Long> unsortedIndices) {

  /** Checks that sizes and indices fit each other and the data. */
  public PackedSequence {
    Tensors.check(data, "the packed data");
    batchSizes = List.copyOf(batchSizes);
    RecurrentOps.checkBatchSizes(data, batchSizes);
    if ((sortedIndices == null) != (unsortedIndices == null)) {
      throw new IllegalArgumentException("sorted and unsorted indices come together");
    }
    if (sortedIndices != null && unsortedIndices != null) {
      sortedIndices = List.copyOf(sortedIndices);
      unsortedIndices = List.copyOf(unsortedIndices);
      int batch = Math.toIntExact(batchSizes.get(0));
      if (!areInverse(sortedIndices, unsortedIndices, batch)) {
        throw new IllegalArgumentException(
            "the indices "
                + sortedIndices
                + " and "
                + unsortedIndices
                + " are not an order of "
                + batch
                + " sequences and its inverse");
      }
    }
  }

  private static boolean areInverse(List<Long> order, List<Long> inverse, int count) {
    if (order.size() != count || inverse.size() != count) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      long at = order.get(i);
      if (at < 0 || at >= count || inverse.get((int) at) != i) {
        return false;
      }
    }
    return true;
  }

  /** How many sequences there are. */
  public long batch() {
    return batchSizes.get(0);
  }

  /** The same sequences with other data, e.g. what a layer made of it. */
  public PackedSequence with(Tensor newData) {
    return new PackedSequence(newData, batchSizes, sortedIndices, unsortedIndices);
  }
}
