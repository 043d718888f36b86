package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.FloatQuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.format.Int4;
import dev.octet.core.range.WeightRanges;
import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Tracer;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The table of an embedding in a module's state: {@code weight}, bytes of one code each or of two
 * (4 bits, a row filled up to whole bytes), and {@code weight_scale} and {@code weight_zero_point},
 * floats, one of each for a row. The buffers are what counts: loading a state changes them.
 */
final class CodedTable {
  private final Tensor codes;
  private final Tensor scales;
  private final Tensor zeros;
  private final WeightFormat format;
  private final long features;

  private CodedTable(
      CodedWeight.State state,
      dev.octet.graph.Tensor codes,
      float[] scales,
      float[] zeros,
      WeightFormat format,
      long features) {
    long rows = codes.rank() == 2 ? codes.dim(0) : -1;
    long width = format == WeightFormat.UINT4 ? (features + 1) / 2 : features;
    if (codes.type() != DataType.UINT8
        || rows < 1
        || features < 1
        || codes.dim(1) != width
        || scales.length != rows
        || zeros.length != rows) {
      throw new IllegalArgumentException(
          "the table is %s with %d scales and %d zero points, which is none of %d features in %s"
              .formatted(codes, scales.length, zeros.length, features, format));
    }
    // Refuses scales that are none.
    FloatQuantParams.of(scales, zeros, 0, 0, format.highest());
    this.format = format;
    this.features = features;
    try (Scope scope = Scope.open()) {
      this.codes = state.buffer("weight", Tensors.of(codes));
      this.scales = state.buffer("weight_scale", Tensors.of(scales, rows));
      this.zeros = state.buffer("weight_zero_point", Tensors.of(zeros, rows));
    }
  }

  /** A table of floats in a module's state; each row gets the scale of its range. */
  static CodedTable quantizing(CodedWeight.State state, Tensor weight, WeightFormat format) {
    int[] shape = Arrays.stream(Tensors.shape(weight)).mapToInt(Math::toIntExact).toArray();
    float[] values = Tensors.toFloats(weight);
    QuantDescriptor minMax = QuantDescriptor.builder().granularity(Granularity.perAxis(0)).build();
    FloatQuantParams params =
        FloatQuantParams.covering(WeightRanges.find(values, shape, minMax), 0, 0, format.highest());
    int[] q = params.quantize(values, shape);
    int width = shape[1];
    byte[] bytes;
    if (format == WeightFormat.UINT4) {
      width = (shape[1] + 1) / 2;
      int[] even = new int[shape[0] * width * 2];
      for (int row = 0; row < shape[0]; row++) {
        System.arraycopy(q, row * shape[1], even, row * width * 2, shape[1]);
      }
      bytes = Int4.pack(even);
    } else {
      bytes = new byte[q.length];
      for (int i = 0; i < q.length; i++) {
        bytes[i] = (byte) q[i];
      }
    }
    return new CodedTable(
        state,
        dev.octet.graph.Tensor.ofRaw(DataType.UINT8, bytes, shape[0], width),
        params.scales(),
        params.zeroPoints(),
        format,
        shape[1]);
  }

  static CodedTable of(CodedWeight.State state, Parts parts) {
    Description is = parts.description();
    WeightFormat format = Description.need(is.weight(), "weight").format();
    if (!format.isOfTables()) {
      throw new IllegalArgumentException(format + " is no format of a table");
    }
    return new CodedTable(
        state,
        parts.tensor("weight", DataType.UINT8),
        parts.tensor("weight_scale", DataType.FLOAT).toFloats(),
        parts.tensor("weight_zero_point", DataType.FLOAT).toFloats(),
        format,
        Description.need(is.table(), "table").features());
  }

  Description.Weight form() {
    return new Description.Weight(format, 0);
  }

  WeightFormat format() {
    return format;
  }

  long rows() {
    return codes.size(0);
  }

  long features() {
    return features;
  }

  /** The table as it is now. */
  QuantizedTensor quantized() {
    int rows = Math.toIntExact(rows());
    int width = Math.toIntExact(features);
    int[] q = Arrays.stream(Tensors.toLongs(codes)).mapToInt(Math::toIntExact).toArray();
    if (format == WeightFormat.UINT4) {
      byte[] bytes = new byte[q.length];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) q[i];
      }
      int[] even = Int4.unpack(bytes, 2 * bytes.length, false);
      int stride = even.length / rows;
      q = new int[rows * width];
      for (int row = 0; row < rows; row++) {
        System.arraycopy(even, row * stride, q, row * width, width);
      }
    }
    FloatQuantParams params =
        FloatQuantParams.of(
            Tensors.toFloats(scales), Tensors.toFloats(zeros), 0, 0, format.highest());
    return QuantizedTensor.of(q, params, rows, width);
  }

  /**
   * Makes sure that indices name rows.
   *
   * @throws IllegalArgumentException if they do not
   */
  void check(Tensor indices) {
    ScalarType type = Tensors.type(indices);
    if ((type != ScalarType.Long && type != ScalarType.Int) || indices.numel() == 0) {
      throw new IllegalArgumentException(
          "it takes indices of type Long or Int, at least one, not " + Tensors.describe(indices));
    }
    try (Scope scope = Scope.open()) {
      long least = indices.min().item_long();
      long most = indices.max().item_long();
      if (least < 0 || most >= rows()) {
        throw new IllegalArgumentException(
            "index "
                + (least < 0 ? least : most)
                + " is out of range; choose 0 to "
                + (rows() - 1));
      }
    }
  }

  /** The rows that indices name, as real numbers: tracked operations. */
  Tensor rows(Tensor indices) {
    Tensor q = Ops.to(taken(codes, indices, "the table"), ScalarType.Float);
    if (format == WeightFormat.UINT4) {
      Tensor sixteenth = Ops.mul(q, 1.0 / 16);
      Tensor high =
          Tracer.track(
              sixteenth.floor(),
              tracer ->
                  tracer.add(NodeSpec.of("Floor").reads(tracer.value(sixteenth, "the codes"))));
      Tensor low = Ops.sub(q, Ops.mul(high, 16));
      long[] shape = Tensors.shape(q);
      int last = shape.length - 1;
      shape[last] *= 2;
      Tensor both = Ops.reshape(Ops.stack(List.of(low, high), last + 1), shape);
      q = shape[last] == features ? both : Ops.slice(both, last, 0, features);
    }
    int behind = Math.toIntExact(indices.dim());
    Tensor zero = Ops.unsqueeze(taken(zeros, indices, "the zero points"), behind);
    Tensor scale = Ops.unsqueeze(taken(scales, indices, "the scales"), behind);
    return Ops.mul(Ops.sub(q, zero), scale);
  }

  private static Tensor taken(Tensor from, Tensor indices, String what) {
    long[] shape = Tensors.shape(indices);
    long[] made = Arrays.copyOf(shape, shape.length + (from.dim() == 2 ? 1 : 0));
    if (from.dim() == 2) {
      made[shape.length] = from.size(1);
    }
    return Tracer.track(
        from.index_select(0, indices.reshape(-1)).reshape(made),
        tracer ->
            tracer.add(
                NodeSpec.of("Gather")
                    .reads(tracer.value(from, what), tracer.value(indices, "the indices"))
                    .with("axis", 0)));
  }
}
