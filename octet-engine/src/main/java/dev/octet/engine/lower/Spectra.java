package dev.octet.engine.lower;

import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Fourier transforms by their sums, {@code X[k] = Σ x[n]·exp(−2πi·n·k/N)}, the windows that go with
 * them, and determinants. A transform of N numbers takes N² steps.
 */
final class Spectra implements Lowering {
  static final String[] OPERATORS = {
    "DFT", "STFT", "HannWindow", "HammingWindow", "BlackmanWindow", "Det"
  };

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    switch (node.op()) {
      case "DFT" -> to.define(output, transformed(node, to, reals(node, to)));
      case "STFT" -> to.define(output, frames(node, to, reals(node, to)));
      case "Det" -> to.define(output, determinants(node, to, reals(node, to)));
      default -> to.define(output, window(node, to));
    }
  }

  private static Operand reals(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    if (!Elements.of(input.type(), node).isFloat()) {
      throw new UnsupportedNodeException(node, "it is not defined for " + input.type());
    }
    return input;
  }

  /** One transform of {@code size} numbers, of which {@code bins} results are wanted. */
  private static final class Transform {
    private final double[] cos;
    private final double[] sin;
    private final double[] real;
    private final double[] imaginary;
    private final int bins;
    private final double factor;

    Transform(int size, int bins, boolean inverse) {
      this.bins = bins;
      this.factor = inverse ? 1.0 / size : 1;
      cos = new double[size];
      sin = new double[size];
      real = new double[size];
      imaginary = new double[size];
      for (int i = 0; i < size; i++) {
        cos[i] = Math.cos(2 * Math.PI * i / size);
        sin[i] = (inverse ? 1 : -1) * Math.sin(2 * Math.PI * i / size);
      }
    }

    /**
     * From what lies in {@code real} and {@code imaginary}; result {@code k} goes to {@code at + k
     * * step}.
     */
    void run(Elements type, ByteBuffer out, int at, int step) {
      int size = real.length;
      for (int k = 0; k < bins; k++) {
        double a = 0;
        double b = 0;
        int angle = 0;
        for (int n = 0; n < size; n++) {
          a += real[n] * cos[angle] - imaginary[n] * sin[angle];
          b += real[n] * sin[angle] + imaginary[n] * cos[angle];
          angle += k;
          angle -= angle >= size ? size : 0;
        }
        type.put(out, 2 * (at + k * step), a * factor);
        type.put(out, 2 * (at + k * step) + 1, b * factor);
      }
    }
  }

  private static int parts(Node node, Operand input) {
    int last = input.rank() - 1;
    if (last < 1 || (input.dim(last) != 1 && input.dim(last) != 2)) {
      throw new UnsupportedNodeException(
          node, Arrays.toString(input.dims()) + " holds neither reals nor complex numbers");
    }
    return (int) input.dim(last);
  }

  // ---- DFT ----

  private static Stored transformed(Node node, Compilation to, Operand input) {
    int parts = parts(node, input);
    int rank = input.rank();
    long along = node.input(2) == null ? -2 : Settings.number(node, to, 2, "axis");
    int axis = Views.axis(node, along, rank, false);
    boolean inverse = node.intAttribute("inverse", 0) != 0;
    boolean half = node.intAttribute("onesided", 0) != 0;
    if (axis == rank - 1 || (half && (inverse || parts == 2))) {
      throw new UnsupportedNodeException(
          node, "it is along the last axis, or of one side where both are wanted");
    }
    int given = (int) input.dim(axis);
    int size =
        node.input(1) == null ? given : Math.toIntExact(Settings.number(node, to, 1, "dft_length"));
    if (size < 1) {
      throw new UnsupportedNodeException(node, "it transforms " + size + " numbers");
    }
    int bins = half ? size / 2 + 1 : size;
    long[] dims = input.dims();
    int outer = Settings.product(dims, 0, axis);
    int inner = Settings.product(dims, axis + 1, rank - 1);
    dims[axis] = bins;
    dims[rank - 1] = 2;
    Elements type = Elements.of(input.type(), node);
    Stored result = Copies.allocate(node, to, input.type(), dims);
    int taken = Math.min(size, given);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          Transform transform = new Transform(size, bins, inverse);
          return () -> {
            for (int lane = 0; lane < outer * inner; lane++) {
              int first = lane / inner * given * inner + lane % inner;
              for (int n = 0; n < taken; n++) {
                int at = (first + n * inner) * parts;
                transform.real[n] = type.real(in, at);
                transform.imaginary[n] = parts == 1 ? 0 : type.real(in, at + 1);
              }
              transform.run(type, out, lane / inner * bins * inner + lane % inner, inner);
            }
          };
        };
    to.kernel("fourier", kernel, List.of(Copies.plain(node, to, input)), List.of(result));
    return result;
  }

  // ---- STFT ----

  private static Stored frames(Node node, Compilation to, Operand input) {
    int parts = parts(node, input);
    long step = Settings.number(node, to, 1, "frame_step");
    Operand window = node.input(2) == null ? null : to.input(node, 2);
    long size =
        node.input(3) != null
            ? Settings.number(node, to, 3, "frame_length")
            : window == null ? 0 : window.elements();
    boolean half = node.intAttribute("onesided", 1) != 0;
    boolean fits =
        input.rank() == 3
            && step > 0
            && size > 0
            && size <= input.dim(1)
            && !(half && parts == 2)
            && (window == null || (window.type() == input.type() && window.elements() == size));
    if (!fits) {
      throw new UnsupportedNodeException(
          node,
          "frames of "
              + size
              + " numbers, every "
              + step
              + ", are none of "
              + Arrays.toString(input.dims()));
    }
    int length = (int) size;
    int stride = Math.toIntExact(Math.min(step, input.dim(1)));
    int signal = (int) input.dim(1);
    int count = (int) ((signal - length) / step) + 1;
    int bins = half ? length / 2 + 1 : length;
    int batch = (int) input.dim(0);
    Elements type = Elements.of(input.type(), node);
    Stored result = Copies.allocate(node, to, input.type(), batch, count, bins, 2);
    List<Stored> sources = new ArrayList<>(List.of(Copies.plain(node, to, input)));
    if (window != null) {
      sources.add(Copies.plain(node, to, window));
    }
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer factors = reads.size() > 1 ? reads.get(1) : null;
          ByteBuffer out = writes.get(0);
          Transform transform = new Transform(length, bins, false);
          return () -> {
            for (int frame = 0; frame < batch * count; frame++) {
              int first = frame / count * signal + frame % count * stride;
              for (int n = 0; n < length; n++) {
                double factor = factors == null ? 1 : type.real(factors, n);
                int at = (first + n) * parts;
                transform.real[n] = factor * type.real(in, at);
                transform.imaginary[n] = parts == 1 ? 0 : factor * type.real(in, at + 1);
              }
              transform.run(type, out, frame * bins, 1);
            }
          };
        };
    to.kernel("fourier", kernel, sources, List.of(result));
    return result;
  }

  // ---- windows ----

  private static Operand window(Node node, Compilation to) {
    int size = Math.toIntExact(Settings.number(node, to, 0, "size"));
    @Nullable DataType type = DataType.ofCode((int) node.intAttribute("output_datatype", 1));
    if (type == null) {
      throw new UnsupportedNodeException(node, "its output_datatype is unknown");
    }
    Copies.check(node, type, size);
    double[] terms =
        switch (node.op()) {
          case "HannWindow" -> new double[] {0.5, 0.5, 0};
          case "HammingWindow" -> new double[] {25.0 / 46, 21.0 / 46, 0};
          default -> new double[] {0.42, 0.5, 0.08};
        };
    int period = node.intAttribute("periodic", 1) != 0 ? size : size - 1;
    Elements elements = Elements.of(type, node);
    ByteBuffer bytes = ByteBuffer.allocate(size * elements.width()).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < size; i++) {
      double angle = 2 * Math.PI * i / period;
      elements.put(
          bytes, i, terms[0] - terms[1] * Math.cos(angle) + terms[2] * Math.cos(2 * angle));
    }
    return Operand.constant(dev.octet.graph.Tensor.wrap(type, new long[] {size}, bytes));
  }

  // ---- Det ----

  private static Stored determinants(Node node, Compilation to, Operand input) {
    int rank = input.rank();
    if (rank < 2 || input.dim(rank - 1) != input.dim(rank - 2)) {
      throw new UnsupportedNodeException(
          node, Arrays.toString(input.dims()) + " holds no square matrices");
    }
    int size = (int) input.dim(rank - 1);
    long[] dims = Arrays.copyOf(input.dims(), rank - 2);
    int count = Settings.product(dims, 0, dims.length);
    Elements type = Elements.of(input.type(), node);
    Stored result = Copies.allocate(node, to, input.type(), dims);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          double[][] rows = new double[size][size];
          return () -> {
            for (int i = 0; i < count; i++) {
              for (int row = 0; row < size; row++) {
                for (int column = 0; column < size; column++) {
                  rows[row][column] = type.real(in, (i * size + row) * size + column);
                }
              }
              type.put(out, i, determinant(rows));
            }
          };
        };
    to.kernel("determinant", kernel, List.of(Copies.plain(node, to, input)), List.of(result));
    return result;
  }

  /** By elimination, the largest element of a column first; changes {@code rows}. */
  private static double determinant(double[][] rows) {
    int size = rows.length;
    double product = 1;
    for (int i = 0; i < size; i++) {
      int best = i;
      for (int row = i + 1; row < size; row++) {
        best = Math.abs(rows[row][i]) > Math.abs(rows[best][i]) ? row : best;
      }
      double[] lead = rows[best];
      rows[best] = rows[i];
      rows[i] = lead;
      product *= best == i ? lead[i] : -lead[i];
      if (lead[i] == 0) {
        return product;
      }
      for (int row = i + 1; row < size; row++) {
        double factor = rows[row][i] / lead[i];
        for (int column = i; column < size; column++) {
          rows[row][column] -= factor * lead[column];
        }
      }
    }
    return product;
  }
}
