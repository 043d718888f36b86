package dev.octet.engine.reference;

import java.util.Arrays;

/**
 * Where a kernel that slides over the spatial axes reads.
 *
 * @param in spatial sizes of what is read
 * @param out spatial sizes of what is made: one position of the kernel each
 * @param begin padding before each axis
 * @param end padding after each axis
 */
record Window(Axes in, Axes out, Axes kernel, Axes strides, Axes dilations, Axes begin, Axes end) {

  /** One number for each spatial axis. */
  record Axes(java.util.List<Integer> sizes) {
    static Axes of(int... sizes) {
      return new Axes(Arrays.stream(sizes).boxed().toList());
    }

    int at(int axis) {
      return sizes.get(axis);
    }

    int count() {
      return sizes.size();
    }

    int[] toArray() {
      return sizes.stream().mapToInt(size -> size).toArray();
    }

    int product() {
      return Array.size(toArray());
    }
  }

  /** The window of a convolution or pooling node over {@code in} with {@code kernel}. */
  static Window of(Call call, int[] in, int[] kernel) {
    int axes = in.length;
    int[] ones = new int[axes];
    Arrays.fill(ones, 1);
    int[] strides = call.integers("strides", ones);
    int[] dilations = call.integers("dilations", ones);
    int[] pads = call.integers("pads", new int[2 * axes]);
    String auto = call.text("auto_pad", "NOTSET");
    boolean ceil = call.flag("ceil_mode");
    int[] out = new int[axes];
    int[] begin = new int[axes];
    int[] end = new int[axes];
    for (int i = 0; i < axes; i++) {
      int reach = (kernel[i] - 1) * dilations[i] + 1;
      if (auto.startsWith("SAME")) {
        out[i] = (in[i] + strides[i] - 1) / strides[i];
        int total = Math.max(0, (out[i] - 1) * strides[i] + reach - in[i]);
        begin[i] = auto.equals("SAME_UPPER") ? total / 2 : total - total / 2;
        end[i] = total - begin[i];
      } else {
        if (!auto.equals("VALID")) {
          begin[i] = pads[i];
          end[i] = pads[axes + i];
        }
        int room = in[i] + begin[i] + end[i] - reach;
        out[i] = Math.floorDiv(ceil ? room + strides[i] - 1 : room, strides[i]) + 1;
        if (ceil && (out[i] - 1) * strides[i] >= in[i] + begin[i]) {
          out[i]--; // a window that would start in the padding after the input
        }
      }
    }
    return new Window(
        Axes.of(in),
        Axes.of(out),
        Axes.of(kernel),
        Axes.of(strides),
        Axes.of(dilations),
        Axes.of(begin),
        Axes.of(end));
  }

  /**
   * The element that tap number {@code tap} of the kernel reads at position {@code position}, both
   * counted row-major; -1 in the padding.
   */
  int read(int position, int tap) {
    int[] coordinates = coordinates(position, tap);
    int index = 0;
    for (int i = 0; i < coordinates.length; i++) {
      if (coordinates[i] < 0 || coordinates[i] >= in.at(i)) {
        return -1;
      }
      index = index * in.at(i) + coordinates[i];
    }
    return index;
  }

  /** Whether a tap lies on the input or on its declared padding. */
  boolean isPadded(int position, int tap) {
    int[] coordinates = coordinates(position, tap);
    for (int i = 0; i < coordinates.length; i++) {
      if (coordinates[i] < -begin.at(i) || coordinates[i] >= in.at(i) + end.at(i)) {
        return false;
      }
    }
    return true;
  }

  /** {@link #read} for every position and every tap. */
  int[][] reads() {
    int[][] reads = new int[out.product()][kernel.product()];
    for (int position = 0; position < reads.length; position++) {
      int here = position;
      Arrays.setAll(reads[position], tap -> read(here, tap));
    }
    return reads;
  }

  private int[] coordinates(int position, int tap) {
    int[] at = Array.coordinates(position, out.toArray());
    int[] offset = Array.coordinates(tap, kernel.toArray());
    for (int i = 0; i < at.length; i++) {
      at[i] = at[i] * strides.at(i) - begin.at(i) + offset[i] * dilations.at(i);
    }
    return at;
  }
}
