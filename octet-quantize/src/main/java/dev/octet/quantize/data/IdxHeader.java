package dev.octet.quantize.data;

import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * The head of an idx file: two zero bytes, the element type (8: unsigned byte), the number of axes,
 * then each size as a big-endian 32-bit integer.
 */
final class IdxHeader {

  private static final int UNSIGNED_BYTE = 8;
  private static final int LARGEST_SIDE = 1 << 12;

  private IdxHeader() {}

  /** Reads the head of images; gives count, height and width. */
  static int[] images(InputStream in, String where) {
    int[] sizes = read(in, 3, where);
    for (int axis = 1; axis < sizes.length; axis++) {
      if (sizes[axis] < 1 || sizes[axis] > LARGEST_SIDE) {
        throw new DataException(
            "'"
                + where
                + "' says its images are "
                + sizes[1]
                + "x"
                + sizes[2]
                + " pixels; sides of 1 to "
                + LARGEST_SIDE
                + " are read");
      }
    }
    return sizes;
  }

  /** Reads the head of labels; gives their count. */
  static int labels(InputStream in, String where) {
    return read(in, 1, where)[0];
  }

  private static int[] read(InputStream in, int axes, String where) {
    int magic = ByteBuffer.wrap(DataFile.require(in, Integer.BYTES, where)).getInt();
    int wanted = (UNSIGNED_BYTE << 8) | axes;
    if (magic != wanted) {
      throw new DataException(
          "'"
              + where
              + "' begins with "
              + magic
              + ", an idx file of "
              + (axes == 3 ? "images" : "labels")
              + " with "
              + wanted);
    }
    ByteBuffer sizes = ByteBuffer.wrap(DataFile.require(in, axes * Integer.BYTES, where));
    int[] shape = new int[axes];
    for (int axis = 0; axis < axes; axis++) {
      shape[axis] = sizes.getInt();
    }
    if (shape[0] < 0) {
      throw new DataException("'" + where + "' says it has " + shape[0] + " entries");
    }
    return shape;
  }
}
