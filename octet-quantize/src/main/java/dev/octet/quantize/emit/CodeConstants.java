package dev.octet.quantize.emit;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.format.Float8;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Match;
import dev.octet.graph.pass.Rewrite;
import dev.octet.graph.pass.Rewriter;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Puts integers in the place of a QuantizeLinear of a float constant, so that weights which were
 * trained with fake quantization are stored in 8 or 4 bits; floats of 8 bits likewise. The codes
 * are those of ONNX's definition: what the graph computes stays the same bit for bit.
 */
public final class CodeConstants implements Rewrite {
  @Override
  public String name() {
    return "code-constants";
  }

  @Override
  public Match match(Node node) {
    if (!node.is("QuantizeLinear")) {
      return Match.none();
    }
    Tensor data = constant(node, 0);
    Tensor scale = constant(node, 1);
    if (data == null || data.type() != DataType.FLOAT) {
      return Match.none();
    }
    if (scale == null || scale.type() != DataType.FLOAT) {
      return Match.refused("its scale is no float constant");
    }
    if (node.input(2) != null && constant(node, 2) == null) {
      return Match.refused("its zero point is not constant");
    }
    if (node.intAttribute("block_size", 0) != 0) {
      return Match.refused("it has a scale for each block");
    }
    if (node.output().isOutput()) {
      return Match.refused("the graph returns its integers");
    }
    return switch (codeType(node)) {
      case INT4, UINT4, INT8, UINT8, INT16, UINT16, FLOAT8E4M3FN, FLOAT8E5M2 -> Match.of(node);
      default -> Match.refused("it makes " + codeType(node));
    };
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    Node node = match.node(0);
    Tensor data = data(node, 0);
    Tensor scale = data(node, 1);
    Tensor zeroPoint = constant(node, 2);
    DataType type = codeType(node);
    long axis = node.intAttribute("axis", 1);
    if (type == DataType.FLOAT8E4M3FN || type == DataType.FLOAT8E5M2) {
      change.replaceByConstant(node, floats(data, scale, axis, type));
      return;
    }
    boolean signed = type == DataType.INT4 || type == DataType.INT8 || type == DataType.INT16;
    int qmax = (1 << (type.bits() - (signed ? 1 : 0))) - 1;
    int[] zeroPoints =
        zeroPoint == null
            ? new int[Math.toIntExact(scale.elementCount())]
            : IntegerTensors.codes(zeroPoint);
    Granularity granularity =
        scale.elementCount() == 1
            ? Granularity.perTensor()
            : Granularity.perAxis(Math.toIntExact(axis < 0 ? axis + data.rank() : axis));
    QuantParams params =
        QuantParams.affine(scale.toFloats(), zeroPoints, granularity, signed ? -qmax - 1 : 0, qmax);
    int[] shape = Arrays.stream(data.shape()).mapToInt(Math::toIntExact).toArray();
    change.replaceByConstant(
        node,
        IntegerTensors.of(type, Affine.quantize(data.toFloats(), shape, params), data.shape()));
  }

  /** Floats of 8 bits; they have no zero point but 0. */
  private static Tensor floats(Tensor data, Tensor scale, long axis, DataType type) {
    Float8 format = type == DataType.FLOAT8E4M3FN ? Float8.E4M3FN : Float8.E5M2;
    float[] scales = scale.toFloats();
    float[] values = data.toFloats();
    int inner = 1;
    for (int i = Math.toIntExact(axis < 0 ? axis + data.rank() : axis) + 1; i < data.rank(); i++) {
      inner *= Math.toIntExact(data.dim(i));
    }
    byte[] codes = new byte[values.length];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = format.encode(values[i] / scales[i / inner % scales.length]);
    }
    return Tensor.ofRaw(type, codes, data.shape());
  }

  private static DataType codeType(Node node) {
    Tensor zeroPoint = constant(node, 2);
    if (zeroPoint != null) {
      return zeroPoint.type();
    }
    DataType named = DataType.ofCode((int) node.intAttribute("output_dtype", 0));
    return named == null ? DataType.UINT8 : named;
  }

  private static Tensor data(Node node, int index) {
    Tensor tensor = constant(node, index);
    if (tensor == null) {
      throw new IllegalStateException("matched without input " + index);
    }
    return tensor;
  }

  private static @Nullable Tensor constant(Node node, int index) {
    Value value = node.input(index);
    return value == null ? null : value.constant();
  }
}
