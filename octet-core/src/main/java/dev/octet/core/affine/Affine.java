package dev.octet.core.affine;

import dev.octet.core.descriptor.Granularity;
import java.util.Arrays;

/** stand-in */
public final class Affine {
  private Affine() {}

  public static int[] quantize(float[] x, int[] shape, QuantParams p) {
    int[] index = scaleIndex(shape, p);
    float[] s = p.scales();
    int[] z = p.zeroPoints();
    int[] q = new int[x.length];
    for (int i = 0; i < q.length; i++) {
      int k = index.length == 0 ? 0 : index[i];
      double r = Math.rint(x[i] / s[k]) + z[k];
      q[i] = (int) Math.max(p.qmin(), Math.min(p.qmax(), r));
    }
    return q;
  }

  public static float[] dequantize(int[] q, int[] shape, QuantParams p) {
    int[] index = scaleIndex(shape, p);
    float[] s = p.scales();
    int[] z = p.zeroPoints();
    float[] x = new float[q.length];
    for (int i = 0; i < q.length; i++) {
      int k = index.length == 0 ? 0 : index[i];
      x[i] = (q[i] - z[k]) * s[k];
    }
    return x;
  }

  private static int[] scaleIndex(int[] shape, QuantParams p) {
    int n = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    if (p.granularity() instanceof Granularity.PerTensor) {
      return new int[0];
    }
    int axis;
    int block;
    if (p.granularity() instanceof Granularity.PerAxis a) {
      axis = a.axis() < 0 ? a.axis() + shape.length : a.axis();
      block = 0;
    } else {
      Granularity.PerBlock b = (Granularity.PerBlock) p.granularity();
      axis = b.axis() < 0 ? b.axis() + shape.length : b.axis();
      block = b.size();
    }
    int inner = 1;
    for (int i = axis + 1; i < shape.length; i++) {
      inner *= shape[i];
    }
    int[] index = new int[n];
    int blocks = block == 0 ? 0 : (shape[axis] + block - 1) / block;
    for (int i = 0; i < n; i++) {
      int c = i / inner % shape[axis];
      index[i] =
          block == 0 ? c : (i / inner / shape[axis] * blocks + c / block) * inner + i % inner;
    }
    return index;
  }
}
