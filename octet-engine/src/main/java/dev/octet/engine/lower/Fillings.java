package dev.octet.engine.lower;

import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Operators whose results depend on shapes alone. */
final class Fillings implements Lowering {
  static final String[] OPERATORS = {"ConstantOfShape", "EyeLike", "Range"};

  @Override
  public void lower(Node node, Compilation to) {
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    switch (node.op()) {
      case "EyeLike" -> to.define(output, diagonal(node, to));
      case "Range" ->
          throw new UnsupportedNodeException(
              node, "how many results it has depends on the data, or it is not of a number type");
      default -> {
        Tensor value =
            node.attribute("value") instanceof Attribute.TensorValue given
                ? given.value()
                : Tensor.ofFloats(new float[1], 1);
        long[] dims = Settings.longs(node, to, 0, "shape");
        Stored result = Copies.allocate(node, to, value.type(), dims);
        Copies.fill(node, to, to.stored(Operand.constant(value)), result);
        to.define(output, result);
      }
    }
  }

  private static Operand diagonal(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    if (input.rank() != 2) {
      throw new UnsupportedNodeException(node, "its input is not a matrix");
    }
    DataType type = DataType.ofCode((int) node.intAttribute("dtype", input.type().code()));
    if (type == null) {
      throw new UnsupportedNodeException(node, "its dtype is unknown");
    }
    Elements elements = Elements.of(type, node);
    long k = node.intAttribute("k", 0);
    int rows = (int) input.dim(0);
    int columns = (int) input.dim(1);
    byte[] bytes = new byte[Math.multiplyExact(rows * columns, elements.width())];
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < rows; row++) {
      if (row + k >= 0 && row + k < columns) {
        elements.put(buffer, (int) (row * columns + row + k), 1L);
      }
    }
    return Operand.constant(Tensor.ofRaw(type, bytes, rows, columns));
  }
}
