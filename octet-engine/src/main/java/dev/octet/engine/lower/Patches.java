package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Primitives.Window;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Kernel;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/** Windows that oneDNN has no code for: LpPool, GlobalLpPool, Col2Im, MaxUnpool. */
final class Patches implements Lowering {
  static final String[] OPERATORS = {"LpPool", "GlobalLpPool", "Col2Im", "MaxUnpool"};

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    Operand input = to.input(node, 0);
    boolean columns = node.is("Col2Im");
    if (columns ? input.rank() != 3 : input.rank() < 3) {
      throw new UnsupportedNodeException(
          node, "its input has the dimensions " + Arrays.toString(input.dims()));
    }
    to.define(
        output,
        switch (node.op()) {
          case "Col2Im" -> image(node, to, input);
          case "MaxUnpool" -> unpooled(node, to, input);
          default -> norms(node, to, input);
        });
  }

  /**
   * Where each element of each window lies in a plane: row {@code w} is window {@code w}, −1 is
   * outside.
   */
  private static int[][] places(Window window, long[] plane, long[] windows) {
    int dims = plane.length;
    int count = Settings.product(windows, 0, dims);
    int size = Settings.product(window.kernel(), 0, dims);
    int[][] places = new int[count][size];
    for (int w = 0; w < count; w++) {
      for (int k = 0; k < size; k++) {
        long at = 0;
        long step = 1;
        int windowRest = w;
        int kernelRest = k;
        boolean inside = true;
        for (int d = dims - 1; d >= 0; d--) {
          long place =
              windowRest % windows[d] * window.strides()[d]
                  - window.padBegin()[d]
                  + kernelRest % window.kernel()[d] * window.dilations()[d];
          windowRest /= (int) windows[d];
          kernelRest /= (int) window.kernel()[d];
          inside &= place >= 0 && place < plane[d];
          at += place * step;
          step *= plane[d];
        }
        places[w][k] = inside ? (int) at : -1;
      }
    }
    return places;
  }

  // ---- LpPool ----

  private static Stored norms(Node node, Compilation to, Operand input) {
    long[] plane = Arrays.copyOfRange(input.dims(), 2, input.rank());
    long[] zeros = new long[plane.length];
    long[] ones = new long[plane.length];
    Arrays.fill(ones, 1);
    Window window =
        node.is("LpPool")
            ? Windows.of(node, input.dims(), plane)
            : new Window(plane, ones, ones, zeros, zeros);
    long[] out = Windows.outputDims(window, input.dims(), input.dim(1));
    long p = node.intAttribute("p", 2);
    if (p < 1) {
      throw new UnsupportedNodeException(node, "its p is " + p);
    }
    Elements type = Elements.of(input.type(), node);
    if (!type.isFloat()) {
      throw new UnsupportedNodeException(node, "it is not defined for " + input.type());
    }
    int planes = Settings.product(input.dims(), 0, 2);
    int size = Settings.product(plane, 0, plane.length);
    Stored from = Copies.plain(node, to, input);
    Stored result = Copies.allocate(node, to, input.type(), out);
    int[][] places = places(window, plane, Arrays.copyOfRange(out, 2, out.length));
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer made = writes.get(0);
          return () -> {
            for (int i = 0; i < planes; i++) {
              for (int w = 0; w < places.length; w++) {
                double sum = 0;
                for (int at : places[w]) {
                  double x = at < 0 ? 0 : Math.abs(type.real(in, i * size + at));
                  sum += p == 1 ? x : p == 2 ? x * x : Math.pow(x, (double) p);
                }
                double norm = p == 1 ? sum : p == 2 ? Math.sqrt(sum) : Math.pow(sum, 1.0 / p);
                type.put(made, i * places.length + w, norm);
              }
            }
          };
        };
    to.kernel("norm pooling", kernel, List.of(from), List.of(result));
    return result;
  }

  // ---- Col2Im ----

  private static Stored image(Node node, Compilation to, Operand input) {
    long[] plane = Settings.longs(node, to, 1, "image_shape");
    long[] kernel = Settings.longs(node, to, 2, "block_shape");
    int dims = plane.length;
    if (kernel.length != dims) {
      throw new UnsupportedNodeException(
          node, "its blocks have " + kernel.length + " dimensions, its image " + dims);
    }
    long[] all = new long[dims + 2];
    System.arraycopy(plane, 0, all, 2, dims);
    Window window = Windows.of(node, all, kernel);
    long[] blocks = Arrays.copyOfRange(Windows.outputDims(window, all, 1), 2, dims + 2);
    int size = Settings.product(kernel, 0, dims);
    int count = Settings.product(blocks, 0, dims);
    if (input.dim(1) % size != 0 || input.dim(2) != count) {
      throw new UnsupportedNodeException(
          node, Arrays.toString(input.dims()) + " is not " + count + " blocks of " + size);
    }
    all[0] = input.dim(0);
    all[1] = input.dim(1) / size;
    Elements type = Elements.of(input.type(), node);
    int planes = Settings.product(all, 0, 2);
    int pixels = Settings.product(plane, 0, dims);
    Stored from = Copies.plain(node, to, input);
    Stored result = Copies.allocate(node, to, input.type(), all);
    int[][] places = places(window, plane, blocks);
    Kernel sums =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer made = writes.get(0);
          double[] sum = new double[pixels];
          return () -> {
            for (int i = 0; i < planes; i++) {
              Arrays.fill(sum, 0);
              for (int b = 0; b < count; b++) {
                for (int k = 0; k < size; k++) {
                  if (places[b][k] >= 0) {
                    sum[places[b][k]] += type.real(in, (i * size + k) * count + b);
                  }
                }
              }
              for (int at = 0; at < pixels; at++) {
                type.put(made, i * pixels + at, sum[at]);
              }
            }
          };
        };
    to.kernel("blocks to image", sums, List.of(from), List.of(result));
    return result;
  }

  // ---- MaxUnpool ----

  /** Indices count in the tensor that was pooled, whose size follows from the window. */
  private static Stored unpooled(Node node, Compilation to, Operand input) {
    Operand places = to.input(node, 1);
    int spatial = input.rank() - 2;
    long[] kernel = numbers(node, "kernel_shape", spatial, 0);
    long[] strides = numbers(node, "strides", spatial, 1);
    long[] pads = numbers(node, "pads", 2 * spatial, 0);
    long[] dims = input.dims();
    for (int i = 0; i < spatial; i++) {
      dims[i + 2] = (dims[i + 2] - 1) * strides[i] + kernel[i] - pads[i] - pads[i + spatial];
    }
    long[] out = Settings.longs(node, to, 2, "output_shape", dims);
    boolean fits = out.length == dims.length && Arrays.equals(places.dims(), input.dims());
    for (int i = 0; fits && i < out.length; i++) {
      fits = dims[i] >= 0 && out[i] >= dims[i];
    }
    if (!fits) {
      throw new UnsupportedNodeException(
          node,
          "its maxima lie in " + Arrays.toString(dims) + ", its output is " + Arrays.toString(out));
    }
    Elements type = Elements.of(input.type(), node);
    Elements index = Gathers.places(node, places);
    int count = Math.toIntExact(input.elements());
    int width = type.width();
    Stored result = Copies.allocate(node, to, input.type(), out);
    int size = Settings.product(dims, 0, dims.length);
    int bytes = Math.toIntExact(result.layout().sizeBytes());
    long[] steps = Walk.strides(out);
    String label = node.label();
    Kernel scatter =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer where = reads.get(1);
          ByteBuffer made = writes.get(0);
          byte[] zeros = new byte[bytes];
          return () -> {
            made.put(0, zeros);
            for (int i = 0; i < count; i++) {
              int rest = Gathers.place(label, index.whole(where, i), size);
              int at = 0;
              for (int d = dims.length - 1; d >= 0; d--) {
                at += rest % (int) dims[d] * (int) steps[d];
                rest /= (int) dims[d];
              }
              made.put(at * width, in, i * width, width);
            }
          };
        };
    to.kernel(
        "unpooling",
        scatter,
        List.of(Copies.plain(node, to, input), Copies.plain(node, to, places)),
        List.of(result));
    return result;
  }

  private static long[] numbers(Node node, String attribute, int length, long otherwise) {
    List<Long> given = node.intsAttribute(attribute, List.of());
    long[] numbers = new long[length];
    Arrays.fill(numbers, otherwise);
    boolean fits = given.isEmpty() ? !attribute.equals("kernel_shape") : given.size() == length;
    for (int i = 0; fits && i < given.size(); i++) {
      numbers[i] = given.get(i);
      fits = numbers[i] >= otherwise && numbers[i] == (int) numbers[i];
    }
    if (!fits) {
      throw new UnsupportedNodeException(node, "its " + attribute + " is " + given);
    }
    return numbers;
  }
}
