package dev.octet.workflows.distiller.prune;

import dev.octet.graph.DataType;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * A mask.
 *
 * @param values bool, or float where what is kept is enlarged
 * @param masking when it holds
 */
record Masker(Tensor values, Masking masking) {
  /** The values of a mask: bool, or float for another scale than 1. */
  static dev.octet.graph.Tensor values(boolean[] kept, float scale, long[] shape) {
    if (scale == 1) {
      byte[] bytes = new byte[kept.length];
      for (int i = 0; i < kept.length; i++) {
        bytes[i] = (byte) (kept[i] ? 1 : 0);
      }
      return dev.octet.graph.Tensor.ofRaw(DataType.BOOL, bytes, shape);
    }
    float[] factors = new float[kept.length];
    for (int i = 0; i < kept.length; i++) {
      factors[i] = kept[i] ? scale : 0;
    }
    return dev.octet.graph.Tensor.ofFloats(factors, shape);
  }

  /** For each element, whether it stays. */
  boolean[] kept() {
    try (Scope scope = Scope.open()) {
      long[] set = Tensors.toLongs(values.ne(new Scalar(0.0)));
      boolean[] kept = new boolean[set.length];
      for (int i = 0; i < kept.length; i++) {
        kept[i] = set[i] != 0;
      }
      return kept;
    }
  }
}
