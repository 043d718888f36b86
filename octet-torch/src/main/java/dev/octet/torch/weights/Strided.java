package dev.octet.torch.weights;

import dev.octet.torch.weights.PickleValue.View;
import java.nio.ByteBuffer;

/** Views of a storage, laid out row by row. */
final class Strided {
  private Strided() {}

  /** Refuses a view that reaches beyond its storage. */
  static void checkBounds(View view) {
    String where = "a tensor of " + view.type() + view.shape();
    if (Shapes.count(view.shape(), where) == 0) {
      return;
    }
    try {
      long last = view.offset();
      for (int axis = 0; axis < view.shape().size(); axis++) {
        long steps = view.shape().get(axis) - 1;
        last = Math.addExact(last, Math.multiplyExact(steps, view.strides().get(axis)));
      }
      if (view.type().sizeBytes(Math.addExact(last, 1)) <= view.storage().bytes()) {
        return;
      }
    } catch (ArithmeticException overflow) {
      // beyond every storage
    }
    throw new WeightsException(
        where
            + " at offset "
            + view.offset()
            + " with strides "
            + view.strides()
            + " reaches beyond its storage of "
            + view.storage().bytes()
            + " bytes");
  }

  /** The elements of {@code view} in row-major order; a part of {@code storage} where possible. */
  static ByteBuffer rowMajor(View view, ByteBuffer storage, MemoryBudget budget) {
    String where = "a tensor of " + view.type() + view.shape();
    int width = view.type().bits() / 8;
    long count = Shapes.count(view.shape(), where);
    if (count == 0) {
      return ByteBuffer.allocate(0);
    }
    if (isRowMajor(view)) {
      // Within the storage, as checked, and so within an int.
      return storage.slice((int) (view.offset() * width), (int) (count * width));
    }
    ByteBuffer target =
        WeightFile.allocate(Shapes.sizeBytes(view.type(), view.shape(), where), where, budget);
    copy(view, storage, target, width, 0, view.offset());
    return target.flip();
  }

  private static void copy(
      View view, ByteBuffer from, ByteBuffer to, int width, int axis, long offset) {
    if (axis == view.shape().size()) {
      put(from, offset, width, to);
      return;
    }
    long size = view.shape().get(axis);
    long stride = view.strides().get(axis);
    boolean last = axis == view.shape().size() - 1;
    for (long i = 0; i < size; i++) {
      if (last) {
        put(from, offset + i * stride, width, to);
      } else {
        copy(view, from, to, width, axis + 1, offset + i * stride);
      }
    }
  }

  private static void put(ByteBuffer from, long element, int width, ByteBuffer to) {
    to.put(to.position(), from, (int) (element * width), width);
    to.position(to.position() + width);
  }

  private static boolean isRowMajor(View view) {
    long expected = 1;
    for (int axis = view.shape().size() - 1; axis >= 0; axis--) {
      long size = view.shape().get(axis);
      if (size != 1 && view.strides().get(axis) != expected) {
        return false;
      }
      expected *= size;
    }
    return true;
  }
}
