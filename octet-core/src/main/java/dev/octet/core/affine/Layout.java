package dev.octet.core.affine;

import dev.octet.core.descriptor.Granularity;
import java.util.Arrays;

/**
 * Which elements of a row-major tensor share a scale: the tensor seen as {@code [outer, axis,
 * inner]}, hands on stretches of neighbouring elements.
 *
 * @param block elements along the axis that share a scale; 0 means one scale for each index of the
 *     axis, whatever the other indices
 */
record Layout(int outer, int axis, int inner, int block) {

  /** Takes the stretches of a tensor in the order they lie in. */
  interface Walker {
    /** {@code length} elements from {@code at} on share scale {@code group}. */
    void shared(int at, int length, int group);

    /** Each of {@code length} elements has its own scale, from {@code firstGroup} on. */
    void separate(int at, int length, int firstGroup);
  }

  /**
   * @throws IllegalArgumentException if the granularity's axis is not one of the shape's, or a size
   *     is negative, or there are more elements than an array can hold
   */
  static Layout of(int[] shape, Granularity granularity) {
    if (granularity instanceof Granularity.PerTensor) {
      return new Layout(1, 1, product(shape, 0, shape.length), 0);
    }
    boolean blocked = granularity instanceof Granularity.PerBlock;
    int named =
        granularity instanceof Granularity.PerBlock perBlock
            ? perBlock.axis()
            : ((Granularity.PerAxis) granularity).axis();
    int axis = named < 0 ? named + shape.length : named;
    if (axis < 0 || axis >= shape.length) {
      throw new IllegalArgumentException(
          "axis %d is not in shape %s; choose %d to %d"
              .formatted(named, Arrays.toString(shape), -shape.length, shape.length - 1));
    }
    product(shape, 0, shape.length); // refuses what overflows as a whole
    return new Layout(
        product(shape, 0, axis),
        shape[axis],
        product(shape, axis + 1, shape.length),
        blocked ? ((Granularity.PerBlock) granularity).size() : 0);
  }

  private static int product(int[] shape, int from, int to) {
    long product = 1;
    boolean empty = false;
    for (int i = from; i < to; i++) {
      if (shape[i] < 0) {
        throw new IllegalArgumentException(
            "shape %s has a negative size; give the actual shape"
                .formatted(Arrays.toString(shape)));
      }
      empty |= shape[i] == 0;
      product = product > Integer.MAX_VALUE ? product : product * shape[i];
    }
    if (empty) {
      return 0;
    }
    if (product > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "shape %s has more than 2^31 - 1 elements; quantize it in parts"
              .formatted(Arrays.toString(shape)));
    }
    return (int) product;
  }

  /** How many elements there are. */
  int size() {
    return outer * axis * inner;
  }

  /** How many scales there are. */
  int groups() {
    return block == 0 ? axis : outer * blocks() * inner;
  }

  /** How many blocks lie along the axis. */
  int blocks() {
    return axis / block + (axis % block == 0 ? 0 : 1);
  }

  /** The longest stretch whose elements have a scale each; 0 where there is none. */
  int longestSeparate() {
    if (block == 0) {
      return inner == 1 && axis > 1 ? axis : 0;
    }
    return inner == 1 ? 0 : inner;
  }

  /** Hands on all elements. */
  void walk(Walker walker) {
    if (size() == 0) {
      return;
    }
    if (block == 0) {
      walkAxis(walker);
    } else {
      walkBlocks(walker);
    }
  }

  private void walkAxis(Walker walker) {
    int at = 0;
    for (int o = 0; o < outer; o++) {
      if (longestSeparate() > 0) {
        walker.separate(at, axis, 0);
        at += axis;
      } else {
        for (int c = 0; c < axis; c++, at += inner) {
          walker.shared(at, inner, c);
        }
      }
    }
  }

  private void walkBlocks(Walker walker) {
    int at = 0;
    int group = 0;
    for (int o = 0; o < outer; o++) {
      for (int c = 0; c < axis; c += block, group += inner) {
        int rows = Math.min(block, axis - c);
        if (inner == 1) {
          walker.shared(at, rows, group);
          at += rows;
        } else {
          for (int row = 0; row < rows; row++, at += inner) {
            walker.separate(at, inner, group);
          }
        }
      }
    }
  }
}
