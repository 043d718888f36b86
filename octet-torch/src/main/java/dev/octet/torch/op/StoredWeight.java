package dev.octet.torch.op;

import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Tensors;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A weight of a recurrent layer, and how it is stored.
 *
 * @param real its numbers, as floats
 * @param codes signed integers of 8 bits or 16-bit floats of the same shape; null where floats are
 *     stored
 * @param scale of integers: one number, or, of a layer of one direction, one for each row; null for
 *     floats
 */
public record StoredWeight(Tensor real, @Nullable Tensor codes, @Nullable Tensor scale) {
  /** One that is stored as it is. */
  public static StoredWeight of(Tensor weight) {
    return new StoredWeight(weight, null, null);
  }

  /** Whether layers of some directions can be stored so. */
  public boolean fits(int directions) {
    return scale == null || directions == 1 || scale.numel() == 1;
  }

  Tensor stored() {
    return codes == null ? real : codes;
  }

  /**
   * What a constant [directions, rows, columns] of stored numbers stands for.
   *
   * @param directions the weight of each direction
   * @param order of the blocks of rows, which scales of rows follow
   */
  static Value real(Tracer tracer, Value constant, List<StoredWeight> directions, int[] order) {
    StoredWeight first = directions.get(0);
    if (first.codes == null) {
      return constant;
    }
    Tensor steps = first.scale;
    if (steps == null) {
      return tracer.add(NodeSpec.of("Cast").reads(constant).with("to", DataType.FLOAT.code()));
    }
    if (!first.fits(directions.size())) {
      throw new TraceException("scales of rows go with one direction; compute step by step");
    }
    float[] own = Tensors.toFloats(steps);
    float[] scales = new float[Math.max(own.length, directions.size())];
    for (int i = 0; i < scales.length; i++) {
      int block = own.length / order.length;
      Tensor other = directions.get(own.length == 1 ? i : 0).scale;
      scales[i] =
          own.length == 1
              ? Tensors.toFloats(Tensors.check(other, "a scale"))[0]
              : own[order[i / block] * block + i % block];
    }
    NodeSpec spec = NodeSpec.of("DequantizeLinear");
    if (scales.length == 1) {
      return tracer.add(
          spec.reads(constant, tracer.constant(dev.octet.graph.Tensor.ofFloats(scales))));
    }
    return tracer.add(
        spec.reads(
                constant, tracer.constant(dev.octet.graph.Tensor.ofFloats(scales, scales.length)))
            .with("axis", own.length == 1 ? 0 : 1));
  }
}
