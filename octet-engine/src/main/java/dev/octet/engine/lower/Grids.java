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
import java.util.Arrays;
import java.util.List;

/** Operators that read planes between their elements: GridSample, AffineGrid, RoiAlign. */
final class Grids implements Lowering {
  static final String[] OPERATORS = {"GridSample", "AffineGrid", "RoiAlign"};

  /** Of Keys 1981, as ONNX sets it for GridSample. */
  private static final double CUBIC = -0.75;

  private static final int MOST_SAMPLES = 1 << 12;

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    for (int i = 0; i < (node.is("AffineGrid") ? 1 : 2); i++) {
      if (to.input(node, i).type() != DataType.FLOAT) {
        throw new UnsupportedNodeException(
            node, "it works on FLOAT here, not " + to.input(node, i).type());
      }
    }
    to.define(
        output,
        switch (node.op()) {
          case "GridSample" -> sampled(node, to);
          case "AffineGrid" -> affine(node, to);
          default -> regions(node, to);
        });
  }

  // ---- GridSample ----

  /** What lies beyond the planes. */
  private enum Outside {
    ZEROS,
    BORDER,
    REFLECTION
  }

  private static Stored sampled(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    Operand grid = to.input(node, 1);
    int spatial = input.rank() - 2;
    String mode = node.stringAttribute("mode", "linear");
    boolean fits =
        (spatial == 2 || spatial == 3)
            && grid.rank() == input.rank()
            && grid.dim(0) == input.dim(0)
            && grid.dim(spatial + 1) == spatial
            && (input.elements() > 0 || grid.elements() == 0);
    if (!fits) {
      throw new UnsupportedNodeException(
          node,
          "a grid of "
              + Arrays.toString(grid.dims())
              + " does not lie over "
              + Arrays.toString(input.dims()));
    }
    int taps =
        switch (mode) {
          case "nearest" -> 1;
          case "linear", "bilinear" -> 2;
          case "cubic", "bicubic" -> 4;
          default -> throw new UnsupportedNodeException(node, "mode '" + mode + "' is unknown");
        };
    Outside outside =
        switch (node.stringAttribute("padding_mode", "zeros")) {
          case "zeros" -> Outside.ZEROS;
          case "border" -> Outside.BORDER;
          case "reflection" -> Outside.REFLECTION;
          default -> throw new UnsupportedNodeException(node, "its padding_mode is unknown");
        };
    boolean corners = node.intAttribute("align_corners", 0) != 0;
    long[] out = input.dims();
    System.arraycopy(grid.dims(), 1, out, 2, spatial);
    int[] sizes = Arrays.stream(input.dims(), 2, spatial + 2).mapToInt(Math::toIntExact).toArray();
    int channels = (int) input.dim(1);
    int plane = Settings.product(input.dims(), 2, spatial + 2);
    int points = Settings.product(out, 2, spatial + 2);
    int batch = (int) input.dim(0);
    Stored result = Copies.allocate(node, to, DataType.FLOAT, out);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer places = reads.get(1);
          ByteBuffer made = writes.get(0);
          int count = (int) Math.pow(taps, spatial);
          int[] at = new int[count]; // −1 is outside
          double[] weights = new double[count];
          Taps along = new Taps(taps, outside, corners);
          return () -> {
            for (int n = 0; n < batch; n++) {
              for (int point = 0; point < points; point++) {
                Arrays.fill(at, 0);
                Arrays.fill(weights, 1);
                for (int d = 0; d < spatial; d++) {
                  // The grid has x first, the planes have it last.
                  int index = (n * points + point) * spatial + spatial - 1 - d;
                  along.find(places.getFloat(index << 2), sizes[d]);
                  along.spread(at, weights, d, spatial, sizes[d]);
                }
                for (int c = 0; c < channels; c++) {
                  int base = (n * channels + c) * plane;
                  double sum = 0;
                  for (int i = 0; i < count; i++) {
                    sum += at[i] < 0 ? 0 : weights[i] * in.getFloat((base + at[i]) << 2);
                  }
                  made.putFloat(((n * channels + c) * points + point) << 2, (float) sum);
                }
              }
            }
          };
        };
    to.kernel(
        "grid sample",
        kernel,
        List.of(Copies.plain(node, to, input), Copies.plain(node, to, grid)),
        List.of(result));
    return result;
  }

  /** Places and weights along one dimension. */
  private static final class Taps {
    private final Outside outside;
    private final boolean corners;
    private final int[] places;
    private final double[] shares;

    Taps(int count, Outside outside, boolean corners) {
      this.outside = outside;
      this.corners = corners;
      this.places = new int[count];
      this.shares = new double[count];
    }

    /** For {@code grid}, −1 to 1 over {@code size} elements. */
    void find(float grid, int size) {
      double x = corners ? (grid + 1.0) / 2 * (size - 1) : ((grid + 1.0) * size - 1) / 2;
      int count = places.length;
      if (count < 4 || outside == Outside.REFLECTION) {
        x = inside(x, size);
      }
      // Beyond what is a place at all nothing is rounded to one.
      x = Double.isFinite(x) ? Math.max(-9, Math.min(size + 8.0, x)) : -9;
      double first = count == 1 ? Math.rint(x) : Math.floor(x);
      double t = x - first;
      for (int i = 0; i < count; i++) {
        double place = first + i - (count == 4 ? 1 : 0);
        place = outside == Outside.ZEROS ? place : Math.rint(inside(place, size));
        places[i] = place < 0 || place >= size ? -1 : (int) place;
      }
      switch (count) {
        case 1 -> shares[0] = 1;
        case 2 -> {
          shares[0] = 1 - t;
          shares[1] = t;
        }
        default -> {
          for (int i = 0; i < 4; i++) {
            shares[i] = cubic(Math.abs(t + 1 - i));
          }
        }
      }
    }

    private static double cubic(double x) {
      return x <= 1
          ? ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1
          : ((CUBIC * x - 5 * CUBIC) * x + 8 * CUBIC) * x - 4 * CUBIC;
    }

    private double inside(double x, int size) {
      return switch (outside) {
        case ZEROS -> x;
        case BORDER -> Math.max(0, Math.min(size - 1.0, x));
        case REFLECTION -> {
          double low = corners ? 0 : -0.5;
          double span = corners ? size - 1.0 : size;
          if (span == 0) {
            yield 0;
          }
          double turned = Math.abs(x - low) % (2 * span);
          yield (turned > span ? 2 * span - turned : turned) + low;
        }
      };
    }

    /** Multiplies the taps of this dimension, number {@code d}, into those of all. */
    void spread(int[] at, double[] weights, int d, int dims, int size) {
      int count = places.length;
      int step = (int) Math.pow(count, dims - 1 - d);
      for (int i = 0; i < at.length; i++) {
        int mine = i / step % count;
        at[i] = at[i] < 0 || places[mine] < 0 ? -1 : at[i] * size + places[mine];
        weights[i] *= shares[mine];
      }
    }
  }

  // ---- AffineGrid ----

  private static Stored affine(Node node, Compilation to) {
    Operand theta = to.input(node, 0);
    long[] size = Settings.longs(node, to, 1, "size");
    int spatial = size.length - 2;
    if ((spatial != 2 && spatial != 3)
        || theta.rank() != 3
        || theta.dim(0) != size[0]
        || theta.dim(1) != spatial
        || theta.dim(2) != spatial + 1) {
      throw new UnsupportedNodeException(
          node,
          "matrices of "
              + Arrays.toString(theta.dims())
              + " are none for a size of "
              + Arrays.toString(size));
    }
    boolean corners = node.intAttribute("align_corners", 0) != 0;
    long[] dims = new long[spatial + 2];
    dims[0] = size[0];
    dims[spatial + 1] = spatial;
    System.arraycopy(size, 2, dims, 1, spatial);
    Stored result = Copies.allocate(node, to, DataType.FLOAT, dims);
    int points = Settings.product(size, 2, size.length);
    int batch = (int) size[0];
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer out = writes.get(0);
          double[] place = new double[spatial + 1];
          place[spatial] = 1;
          return () -> {
            for (int n = 0; n < batch; n++) {
              for (int point = 0; point < points; point++) {
                int rest = point;
                for (int d = spatial - 1; d >= 0; d--) {
                  int length = (int) size[d + 2];
                  int i = rest % length;
                  rest /= length;
                  // x comes first
                  place[spatial - 1 - d] =
                      corners
                          ? length == 1 ? 0 : 2.0 * i / (length - 1) - 1
                          : (2.0 * i + 1) / length - 1;
                }
                for (int row = 0; row < spatial; row++) {
                  double sum = 0;
                  for (int k = 0; k <= spatial; k++) {
                    int at = (n * spatial + row) * (spatial + 1) + k;
                    sum += in.getFloat(at << 2) * place[k];
                  }
                  out.putFloat(((n * points + point) * spatial + row) << 2, (float) sum);
                }
              }
            }
          };
        };
    to.kernel("affine grid", kernel, List.of(Copies.plain(node, to, theta)), List.of(result));
    return result;
  }

  // ---- RoiAlign ----

  private static Stored regions(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    Operand rois = to.input(node, 1);
    Operand batches = to.input(node, 2);
    if (input.rank() != 4
        || rois.rank() != 2
        || rois.dim(1) != 4
        || batches.rank() != 1
        || batches.dim(0) != rois.dim(0)) {
      throw new UnsupportedNodeException(
          node,
          "regions of "
              + Arrays.toString(rois.dims())
              + " do not lie in "
              + Arrays.toString(input.dims()));
    }
    Elements type = Gathers.places(node, batches);
    int height = (int) node.intAttribute("output_height", 1);
    int width = (int) node.intAttribute("output_width", 1);
    int ratio = (int) node.intAttribute("sampling_ratio", 0);
    if (ratio > MOST_SAMPLES) {
      throw new UnsupportedNodeException(node, "its sampling_ratio is " + ratio);
    }
    float scale = node.floatAttribute("spatial_scale", 1);
    boolean max = node.stringAttribute("mode", "avg").equals("max");
    String transform = node.stringAttribute("coordinate_transformation_mode", "half_pixel");
    boolean half = transform.equals("half_pixel");
    int regions = (int) rois.dim(0);
    int channels = (int) input.dim(1);
    int rows = (int) input.dim(2);
    int columns = (int) input.dim(3);
    Stored result =
        Copies.allocate(node, to, DataType.FLOAT, rois.dim(0), input.dim(1), height, width);
    if (input.elements() == 0 && result.layout().elements() > 0) {
      throw new UnsupportedNodeException(node, "its regions lie in nothing");
    }
    String label = node.label();
    int images = (int) input.dim(0);
    Kernel kernel =
        (reads, writes) -> {
          ByteBuffer in = reads.get(0);
          ByteBuffer boxes = reads.get(1);
          ByteBuffer where = reads.get(2);
          ByteBuffer out = writes.get(0);
          Plane plane = new Plane(in, rows, columns);
          return () -> {
            for (int r = 0; r < regions; r++) {
              int image = Gathers.place(label, type.whole(where, r), images);
              float offset = half ? 0.5f : 0;
              float left = boxes.getFloat(r << 4) * scale - offset;
              float top = boxes.getFloat((r << 4) + 4) * scale - offset;
              float across = boxes.getFloat((r << 4) + 8) * scale - offset - left;
              float down = boxes.getFloat((r << 4) + 12) * scale - offset - top;
              across = half ? across : Math.max(across, 1);
              down = half ? down : Math.max(down, 1);
              float binDown = down / height;
              float binAcross = across / width;
              int gridDown = grid(label, ratio, binDown);
              int gridAcross = grid(label, ratio, binAcross);
              for (int c = 0; c < channels; c++) {
                plane.base = (image * channels + c) * rows * columns;
                for (int bin = 0; bin < height * width; bin++) {
                  int row = bin / width;
                  float y = top + row * binDown;
                  float x = left + bin % width * binAcross;
                  double made = 0;
                  for (int i = 0; i < gridDown * gridAcross; i++) {
                    int line = i / gridAcross;
                    double sample =
                        plane.at(
                            y + (line + 0.5f) * binDown / gridDown,
                            x + (i % gridAcross + 0.5f) * binAcross / gridAcross,
                            max);
                    made = max ? (i == 0 ? sample : Math.max(made, sample)) : made + sample;
                  }
                  int count = Math.max(1, gridDown * gridAcross);
                  out.putFloat(
                      ((r * channels + c) * height * width + bin) << 2,
                      (float) (max ? made : made / count));
                }
              }
            }
          };
        };
    to.kernel(
        "roi align",
        kernel,
        List.of(
            Copies.plain(node, to, input),
            Copies.plain(node, to, rois),
            Copies.plain(node, to, batches)),
        List.of(result));
    return result;
  }

  /** Samples along one side of a bin: one for each element, where the node does not say. */
  private static int grid(String node, int ratio, float bin) {
    if (ratio <= 0 && bin > MOST_SAMPLES) {
      throw new IllegalArgumentException(
          "node '" + node + "' is given a region with bins of " + bin + " elements");
    }
    return ratio > 0 ? ratio : (int) Math.max(0, Math.ceil(bin));
  }

  /** One plane of an image. */
  private static final class Plane {
    private final ByteBuffer in;
    private final int rows;
    private final int columns;
    private int base;

    Plane(ByteBuffer in, int rows, int columns) {
      this.in = in;
      this.rows = rows;
      this.columns = columns;
    }

    /** Linear between the four neighbours, or the largest of their weighted values. */
    double at(float y, float x, boolean max) {
      if (!(y >= -1 && y <= rows && x >= -1 && x <= columns)) {
        return 0;
      }
      float down = Math.max(0, y);
      float right = Math.max(0, x);
      int top = Math.min((int) down, rows - 1);
      int left = Math.min((int) right, columns - 1);
      int bottom = Math.min(top + 1, rows - 1);
      int next = Math.min(left + 1, columns - 1);
      float v = top == rows - 1 ? 0 : down - top;
      float u = left == columns - 1 ? 0 : right - left;
      double a = (double) (1 - v) * (1 - u) * get(top, left);
      double b = (double) (1 - v) * u * get(top, next);
      double c = (double) v * (1 - u) * get(bottom, left);
      double d = (double) v * u * get(bottom, next);
      return max ? Math.max(Math.max(a, b), Math.max(c, d)) : a + b + c + d;
    }

    private float get(int row, int column) {
      return in.getFloat((base + row * columns + column) << 2);
    }
  }
}
