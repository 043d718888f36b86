package dev.octet.engine.lower;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The way through a tensor's elements, row by row, and along with it through tensors that are read
 * or written in another order: each has a stride for every dimension, 0 where it repeats.
 * Dimensions that all walk through alike are joined, so rows are as long as they can be.
 */
final class Walk {
  private final int[] dims;
  private final int[][] strides;

  private Walk(int[] dims, int[][] strides) {
    this.dims = dims;
    this.strides = strides;
  }

  /** A walk over {@code dims}; {@code strides} in elements, one list for each tensor. */
  static Walk over(long[] dims, long[]... strides) {
    List<int[]> joined = new ArrayList<>(); // {size, stride...}, innermost first
    for (int d = dims.length - 1; d >= 0; d--) {
      if (dims[d] == 1) {
        continue;
      }
      int[] next = new int[1 + strides.length];
      next[0] = Math.toIntExact(dims[d]);
      for (int t = 0; t < strides.length; t++) {
        next[1 + t] = Math.toIntExact(strides[t][d]);
      }
      int[] inner = joined.isEmpty() ? null : joined.get(joined.size() - 1);
      boolean continues = inner != null;
      for (int t = 1; continues && inner != null && t < next.length; t++) {
        continues = next[t] == inner[t] * inner[0];
      }
      if (continues && inner != null) {
        inner[0] = Math.multiplyExact(inner[0], next[0]);
      } else {
        joined.add(next);
      }
    }
    if (Arrays.stream(dims).anyMatch(dim -> dim == 0)) {
      joined.clear(); // one row of nothing
      joined.add(new int[1 + strides.length]);
    }
    if (joined.isEmpty()) {
      int[] single = new int[1 + strides.length];
      single[0] = 1;
      joined.add(single);
    }
    int rank = joined.size();
    int[] sizes = new int[rank];
    int[][] steps = new int[strides.length][rank];
    for (int d = 0; d < rank; d++) {
      int[] from = joined.get(rank - 1 - d);
      sizes[d] = from[0];
      for (int t = 0; t < strides.length; t++) {
        steps[t][d] = from[1 + t];
      }
    }
    return new Walk(sizes, steps);
  }

  /** Row-major strides of {@code dims}. */
  static long[] strides(long... dims) {
    long[] strides = new long[dims.length];
    long step = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      strides[i] = step;
      step *= dims[i];
    }
    return strides;
  }

  /** Strides of a row-major tensor of {@code own} dimensions that is broadcast to {@code dims}. */
  static long[] broadcast(long[] own, long[] dims) {
    long[] plain = strides(own);
    long[] strides = new long[dims.length];
    for (int i = 0; i < own.length; i++) {
      strides[dims.length - own.length + i] = own[i] == 1 ? 0 : plain[i];
    }
    return strides;
  }

  /** Length of a row. */
  int length() {
    return dims[dims.length - 1];
  }

  /** The stride of tensor {@code tensor} within a row. */
  int stride(int tensor) {
    return strides[tensor][dims.length - 1];
  }

  /** A place on this walk: at the first row. */
  Cursor cursor() {
    return new Cursor();
  }

  /** The current row: where it begins in each tensor. */
  final class Cursor {
    private final int[] index = new int[dims.length];
    private final int[] at = new int[strides.length];

    /** Back to the first row. */
    void reset() {
      Arrays.fill(index, 0);
      Arrays.fill(at, 0);
    }

    /** Element of tensor {@code tensor} at which the row begins. */
    int at(int tensor) {
      return at[tensor];
    }

    /** Goes on to the next row; false, and back at the first, where there is none. */
    boolean next() {
      for (int d = dims.length - 2; d >= 0; d--) {
        boolean more = ++index[d] < dims[d];
        for (int t = 0; t < at.length; t++) {
          at[t] += more ? strides[t][d] : -strides[t][d] * (dims[d] - 1);
        }
        if (more) {
          return true;
        }
        index[d] = 0;
      }
      return false;
    }
  }
}
