package dev.octet.workflows.distiller.stats;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;

/**
 * How a parameter is cut into parts that are kept or dropped as one. A part of a weight {@code
 * [out, in, window...]} is what makes one output, what reads one input, and so on.
 */
public final class Structure {
  private enum Kind {
    FILTERS,
    CHANNELS,
    KERNELS,
    LAYER,
    BLOCKS
  }

  /** What makes one output: a slice of the first dimension; Distiller's {@code 3D}, and rows. */
  public static final Structure FILTERS = new Structure(Kind.FILTERS, 1, 1);

  /** What reads one input: a slice of the second dimension; the columns of a matrix. */
  public static final Structure CHANNELS = new Structure(Kind.CHANNELS, 1, 1);

  /** A window of one output over one input; Distiller's {@code 2D}. */
  public static final Structure KERNELS = new Structure(Kind.KERNELS, 1, 1);

  /** The whole parameter; Distiller's {@code 4D}. */
  public static final Structure LAYER = new Structure(Kind.LAYER, 1, 1);

  private final Kind kind;
  private final int filters;
  private final int channels;

  private Structure(Kind kind, int filters, int channels) {
    this.kind = kind;
    this.filters = filters;
    this.channels = channels;
  }

  /**
   * Neighbouring outputs and inputs at one place of the window; Distiller's {@code block_shape:
   * [filters, channels, 1, 1]}.
   *
   * @param filters how many outputs, at least 1; must divide those of a parameter
   * @param channels how many inputs, likewise
   */
  public static Structure blocks(int filters, int channels) {
    if (filters < 1 || channels < 1) {
      throw new IllegalArgumentException(
          "blocks of " + filters + " outputs and " + channels + " inputs are none");
    }
    return new Structure(Kind.BLOCKS, filters, channels);
  }

  /**
   * How many parts a parameter has.
   *
   * @throws IllegalArgumentException if this cannot cut a parameter of that shape
   */
  public int count(long[] shape) {
    check(shape);
    long count =
        switch (kind) {
          case FILTERS -> shape[0];
          case CHANNELS -> shape[1];
          case KERNELS -> shape[0] * shape[1];
          case LAYER -> 1;
          case BLOCKS -> (shape[0] / filters) * (shape[1] / channels) * window(shape);
        };
    return Math.toIntExact(count);
  }

  /**
   * The number of the part that each element belongs to, elements in row-major order.
   *
   * @throws IllegalArgumentException if this cannot cut a parameter of that shape
   */
  public int[] parts(long[] shape) {
    check(shape);
    int in = shape.length < 2 ? 1 : Math.toIntExact(shape[1]);
    int window = Math.toIntExact(window(shape));
    int[] parts = new int[Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b))];
    for (int i = 0; i < parts.length; i++) {
      int place = i % window;
      int channel = i / window % in;
      int filter = i / window / in;
      parts[i] =
          switch (kind) {
            case FILTERS -> filter;
            case CHANNELS -> channel;
            case KERNELS -> filter * in + channel;
            case LAYER -> 0;
            case BLOCKS ->
                ((filter / filters) * (in / channels) + channel / channels) * window + place;
          };
    }
    return parts;
  }

  /**
   * The part of the parts whose elements are all zero, in [0, 1].
   *
   * @param values of the parameter in row-major order
   */
  public double sparsity(float[] values, long[] shape) {
    boolean[] alive = new boolean[count(shape)];
    int[] parts = parts(shape);
    for (int i = 0; i < parts.length; i++) {
      alive[parts[i]] |= values[i] != 0;
    }
    int zero = 0;
    for (boolean each : alive) {
      zero += each ? 0 : 1;
    }
    return alive.length == 0 ? 0 : zero / (double) alive.length;
  }

  /**
   * The sum over each part, in the order of their numbers; gradients flow.
   *
   * @param x in the shape of a parameter
   * @return one for each part
   */
  public Tensor sums(Tensor x) {
    long[] shape = Tensors.shape(x);
    check(shape);
    long in = shape.length < 2 ? 1 : shape[1];
    long[] over =
        switch (kind) {
          case FILTERS -> new long[] {1, 2, 3, 4};
          case CHANNELS -> new long[] {0, 1, 3, 4};
          case KERNELS -> new long[] {1, 3, 4};
          case LAYER -> new long[] {0, 1, 2, 3, 4};
          case BLOCKS -> new long[] {1, 3};
        };
    try (Scope scope = Scope.open()) {
      return scope.give(
          x.reshape(shape[0] / filters, filters, in / channels, channels, window(shape))
              .sum(over, false, new ScalarTypeOptional())
              .reshape(-1));
    }
  }

  /** The elements of those parts that are kept. */
  public boolean[] expand(boolean[] keptParts, long[] shape) {
    int[] parts = parts(shape);
    boolean[] kept = new boolean[parts.length];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = keptParts[parts[i]];
    }
    return kept;
  }

  private static long window(long[] shape) {
    return Arrays.stream(shape).skip(2).reduce(1, (a, b) -> a * b);
  }

  private void check(long[] shape) {
    if (kind != Kind.LAYER && shape.length < 2) {
      throw new IllegalArgumentException(
          "a parameter of shape " + Arrays.toString(shape) + " has no " + this);
    }
    if (kind == Kind.BLOCKS && (shape[0] % filters != 0 || shape[1] % channels != 0)) {
      throw new IllegalArgumentException(
          this + " do not divide a parameter of shape " + Arrays.toString(shape));
    }
  }

  /** Its name, in lower case. */
  @Override
  public String toString() {
    return switch (kind) {
      case FILTERS -> "filters";
      case CHANNELS -> "channels";
      case KERNELS -> "kernels";
      case LAYER -> "layer";
      case BLOCKS -> "blocks of " + filters + " filters and " + channels + " channels";
    };
  }
}
