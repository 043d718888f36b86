package dev.octet.testing;

import java.util.List;

/**
 * An array as a golden file holds it: type, shape and row-major values, kept as their decimal text
 * so that each reading rounds once. The shape {@code []} is that of a single value.
 */
public final class GoldenArray {
  private final String place;
  private final String dtype;
  private final int[] shape;
  private final List<String> data;

  private GoldenArray(String place, String dtype, int[] shape, List<String> data) {
    this.place = place;
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  static GoldenArray of(String place, Fields fields) {
    int[] shape = fields.texts("shape").stream().mapToInt(Integer::parseInt).toArray();
    List<String> data = fields.texts("data");
    long size = 1;
    for (int length : shape) {
      size *= length;
    }
    if (size != data.size()) {
      throw new IllegalArgumentException(
          "'" + place + "' has " + data.size() + " values for a shape of " + size);
    }
    return new GoldenArray(place, fields.text("dtype"), shape, data);
  }

  /** The type's name, such as {@code float32}. */
  public String dtype() {
    return dtype;
  }

  /** A copy of the shape. */
  public int[] shape() {
    return shape.clone();
  }

  /** The values as floats; only of {@code float32}. */
  public float[] floats() {
    if (!dtype.equals("float32")) {
      throw new IllegalStateException("'" + place + "' is " + dtype + ", not float32");
    }
    float[] values = new float[data.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.parseFloat(data.get(i));
    }
    return values;
  }

  /** The values as doubles. */
  public double[] doubles() {
    return data.stream().mapToDouble(Double::parseDouble).toArray();
  }

  /** The values as integers; fails where one is not whole or does not fit. */
  public int[] ints() {
    return data.stream().mapToInt(Integer::parseInt).toArray();
  }

  /** The values of an array of {@code bool}. */
  public boolean[] booleans() {
    boolean[] values = new boolean[data.size()];
    for (int i = 0; i < values.length; i++) {
      String text = data.get(i);
      if (!text.equals("true") && !text.equals("false")) {
        throw new IllegalStateException("'" + place + "' holds " + text + ", not true or false");
      }
      values[i] = text.equals("true");
    }
    return values;
  }

  @Override
  public String toString() {
    return place + ": " + dtype + " " + data;
  }
}
