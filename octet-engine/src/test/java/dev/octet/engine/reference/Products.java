package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import java.util.Map;

/** Matrix products. */
final class Products {

  private Products() {}

  static void register(Map<String, Operator> operators) {
    operators.put("MatMul", single(c -> product(c.array(0), c.array(1)).to(c.type())));
    operators.put("Gemm", single(Products::gemm));
    operators.put("MatMulInteger", single(Products::matMulInteger));
    operators.put("QLinearMatMul", single(Products::qlinearMatMul));
  }

  /** As NumPy's matmul: vectors are widened, leading axes broadcast. */
  static Array product(Array a, Array b) {
    if (a.rank() == 1) {
      Array row = product(a.reshape(1, a.shape[0]), b);
      return row.reshape(without(row.shape, row.rank() - (b.rank() == 1 ? 1 : 2)));
    }
    if (b.rank() == 1) {
      Array column = product(a, b.reshape(b.shape[0], 1));
      return column.reshape(without(column.shape, column.rank() - 1));
    }
    int rows = a.shape[a.rank() - 2];
    int depth = a.shape[a.rank() - 1];
    int columns = b.shape[b.rank() - 1];
    if (b.shape[b.rank() - 2] != depth) {
      throw new IllegalArgumentException("inner sizes differ");
    }
    int[] outer =
        Array.broadcast(Arrays.copyOf(a.shape, a.rank() - 2), Arrays.copyOf(b.shape, b.rank() - 2));
    Array wideA = a.broadcast(join(outer, rows, depth));
    Array wideB = b.broadcast(join(outer, depth, columns));
    Array y = Array.zeros(join(outer, rows, columns));
    for (int i = 0; i < y.values.length; i++) {
      int column = i % columns;
      int row = i / columns; // of all matrices together
      int matrix = row / rows;
      double sum = 0;
      for (int k = 0; k < depth; k++) {
        sum +=
            wideA.values[row * depth + k] * wideB.values[(matrix * depth + k) * columns + column];
      }
      y.values[i] = sum;
    }
    return y;
  }

  private static Tensor gemm(Call call) {
    Array a = call.flag("transA") ? call.array(0).transpose(1, 0) : call.array(0);
    Array b = call.flag("transB") ? call.array(1).transpose(1, 0) : call.array(1);
    Array y = product(a, b);
    Array c = call.arrayOrZeros(2).broadcast(y.shape);
    double alpha = call.real("alpha", 1);
    double beta = call.real("beta", 1);
    Arrays.setAll(y.values, i -> alpha * y.values[i] + beta * c.values[i]);
    return y.to(call.type());
  }

  private static Tensor matMulInteger(Call call) {
    Array a = rowsShifted(call.array(0), call.arrayOrZeros(2));
    Array b = columnsShifted(call.array(1), call.arrayOrZeros(3));
    return product(a, b).to(DataType.INT32);
  }

  /** Inputs: a, its scale and zero point, b, its scale and zero point, those of y. */
  private static Tensor qlinearMatMul(Call call) {
    Array a = rowsShifted(call.array(0), call.array(2));
    Array b = columnsShifted(call.array(3), call.array(5));
    Array sums = product(a, b);
    Requantization scales = new Requantization(call.array(1), call.array(4), call.array(6));
    DataType type = call.tensor(7).type();
    double zeroPoint = call.array(7).scalar();
    int columns = b.rank() == 1 ? 1 : b.shape[b.rank() - 1];
    double[] codes = new double[sums.values.length];
    Arrays.setAll(codes, i -> scales.code(sums.values[i], i % columns, zeroPoint, type));
    return new Array(sums.shape, codes).to(type);
  }

  /** A zero point of {@code a} is one, or belongs to a row each. */
  private static Array rowsShifted(Array a, Array zeroPoint) {
    return Convolutions.shifted(a, zeroPoint, Math.max(0, a.rank() - 2));
  }

  /** A zero point of {@code b} is one, or belongs to a column each. */
  private static Array columnsShifted(Array b, Array zeroPoint) {
    return Convolutions.shifted(b, zeroPoint, b.rank() - 1);
  }

  private static int[] join(int[] outer, int... inner) {
    int[] joined = Arrays.copyOf(outer, outer.length + inner.length);
    System.arraycopy(inner, 0, joined, outer.length, inner.length);
    return joined;
  }

  private static int[] without(int[] shape, int axis) {
    int[] rest = new int[shape.length - 1];
    System.arraycopy(shape, 0, rest, 0, axis);
    System.arraycopy(shape, axis + 1, rest, axis, rest.length - axis);
    return rest;
  }
}
