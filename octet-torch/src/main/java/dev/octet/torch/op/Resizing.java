package dev.octet.torch.op;

import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** Interpolation of {@code [N, C, spatial...]} to other sizes of its one to three dimensions. */
public final class Resizing {
  private Resizing() {}

  /** To the sizes given, taking the nearest element below. */
  public static Tensor nearest(Tensor x, long... size) {
    return resize(x, size, null, "nearest", false);
  }

  /** To {@code ⌊size · scale⌋}, taking the nearest element below. */
  public static Tensor nearest(Tensor x, double... scale) {
    return resize(x, scaled(x, scale), scale, "nearest", false);
  }

  /**
   * To the sizes given, linear between elements in each dimension.
   *
   * @param alignCorners whether the first and last elements keep their places, or the outer edges
   *     of them do
   */
  public static Tensor linear(Tensor x, boolean alignCorners, long... size) {
    return resize(x, size, null, "linear", alignCorners);
  }

  /** To {@code ⌊size · scale⌋}, linear between elements in each dimension. */
  public static Tensor linear(Tensor x, boolean alignCorners, double... scale) {
    return resize(x, scaled(x, scale), scale, "linear", alignCorners);
  }

  private static Tensor resize(
      Tensor x, long[] size, double @Nullable [] scale, String mode, boolean alignCorners) {
    int dims = size.length;
    checkRank(x, dims);
    Convolution.check("output size", size, dims, 1);
    try (Scope scope = Scope.open()) {
      DoubleOptional[] by = new DoubleOptional[dims];
      for (int i = 0; i < dims; i++) {
        by[i] = scale == null ? new DoubleOptional() : new DoubleOptional(scale[i]);
      }
      boolean nearest = mode.equals("nearest");
      Tensor output =
          switch (dims) {
            case 1 ->
                nearest
                    ? torch.upsample_nearest1d(x, size, by[0])
                    : torch.upsample_linear1d(x, size, alignCorners, by[0]);
            case 2 ->
                nearest
                    ? torch.upsample_nearest2d(x, size, by[0], by[1])
                    : torch.upsample_bilinear2d(x, size, alignCorners, by[0], by[1]);
            default ->
                nearest
                    ? torch.upsample_nearest3d(x, size, by[0], by[1], by[2])
                    : torch.upsample_trilinear3d(x, size, alignCorners, by[0], by[1], by[2]);
          };
      return scope.give(
          Nodes.track(
              output,
              nodes -> {
                Value in = nodes.of(x, "the input of Resize");
                NodeSpec spec =
                    NodeSpec.of("Resize")
                        .with("mode", Nodes.text(mode))
                        .with(
                            "coordinate_transformation_mode",
                            Nodes.text(
                                nearest
                                    ? "asymmetric"
                                    : alignCorners ? "align_corners" : "half_pixel"));
                if (nearest) {
                  spec = spec.with("nearest_mode", Nodes.text("floor"));
                }
                return nodes.add(
                    scale != null && survivesRounding(x, size, scale)
                        ? spec.reads(in, null, scales(nodes, scale))
                        : spec.reads(in, null, null, sizes(nodes, in, size)));
              }));
    }
  }

  /** Scales are float32 in a graph, and sizes come of rounding down. */
  private static boolean survivesRounding(Tensor x, long[] size, double[] scale) {
    for (int i = 0; i < size.length; i++) {
      if ((long) (x.size(2 + i) * (float) scale[i]) != size[i]) {
        return false;
      }
    }
    return true;
  }

  private static Value scales(Nodes nodes, double[] scale) {
    float[] all = new float[scale.length + 2];
    Arrays.fill(all, 1);
    for (int i = 0; i < scale.length; i++) {
      all[2 + i] = (float) scale[i];
    }
    return nodes.tracer().constant(dev.octet.graph.Tensor.ofFloats(all, all.length));
  }

  private static Value sizes(Nodes nodes, Value in, long[] size) {
    Value shape = nodes.add("Shape", in);
    Value kept = nodes.add("Slice", shape, nodes.longs(0), nodes.longs(2), nodes.longs(0));
    return nodes.add(NodeSpec.of("Concat").reads(kept, nodes.longs(size)).with("axis", 0));
  }

  private static long[] scaled(Tensor x, double[] scale) {
    checkRank(x, scale.length);
    long[] size = new long[scale.length];
    for (int i = 0; i < size.length; i++) {
      size[i] = (long) (x.size(2 + i) * scale[i]);
    }
    return size;
  }

  private static void checkRank(Tensor x, int dims) {
    if (dims < 1 || dims > 3 || x.dim() != dims + 2) {
      throw new IllegalArgumentException(
          "resizing takes 1 to 3 sizes for all but the first two dimensions, not "
              + dims
              + " for "
              + Tensors.describe(x));
    }
  }
}
