package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.FloatQuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.WeightRanges;
import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Tracer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The table of an embedding in a module's state: {@code weight}, bytes of one code each, of two or
 * of four (a row filled up to whole bytes), and {@code weight_scale} and {@code weight_zero_point},
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
    long width = (features + format.perByte() - 1) / format.perByte();
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
    int each = format.perByte();
    int width = (shape[1] + each - 1) / each;
    int[] whole = new int[shape[0] * width * each];
    for (int row = 0; row < shape[0]; row++) {
      System.arraycopy(q, row * shape[1], whole, row * width * each, shape[1]);
    }
    return new CodedTable(
        state,
        dev.octet.graph.Tensor.ofRaw(DataType.UINT8, format.pack(whole), shape[0], width),
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
    long[] stored = Tensors.toLongs(codes);
    byte[] bytes = new byte[stored.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) stored[i];
    }
    int[] whole = format.unpack(bytes);
    int[] q = new int[rows * width];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(whole, row * (whole.length / rows), q, row * width, width);
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
    if (format.perByte() > 1) {
      List<Tensor> parts = new ArrayList<>();
      double base = format.highest() + 1.0;
      Tensor rest = q;
      while (parts.size() < format.perByte() - 1) {
        Tensor high = floor(Ops.mul(rest, 1 / base));
        parts.add(Ops.sub(rest, Ops.mul(high, base)));
        rest = high;
      }
      parts.add(rest);
      long[] shape = Tensors.shape(q);
      int last = shape.length - 1;
      shape[last] *= format.perByte();
      Tensor all = Ops.reshape(Ops.stack(parts, last + 1), shape);
      q = shape[last] == features ? all : Ops.slice(all, last, 0, features);
    }
    int behind = Math.toIntExact(indices.dim());
    Tensor zero = Ops.unsqueeze(taken(zeros, indices, "the zero points"), behind);
    Tensor scale = Ops.unsqueeze(taken(scales, indices, "the scales"), behind);
    return Ops.mul(Ops.sub(q, zero), scale);
  }

  private static Tensor floor(Tensor x) {
    return Tracer.track(
        x.floor(), tracer -> tracer.add(NodeSpec.of("Floor").reads(tracer.value(x, "the codes"))));
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
