package dev.octet.engine.reference;

import static dev.octet.engine.reference.Operator.single;

import dev.octet.graph.DataType;
import dev.octet.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What ONNX Runtime adds to ONNX's operators and quantizers write: the operator on the real numbers
 * that the codes stand for, then one rounding. The runtime itself rounds more often, and may differ
 * by one code.
 */
final class RuntimeOperators {
  static final String DOMAIN = "com.microsoft";

  private RuntimeOperators() {}

  static void register(Map<String, Operator> operators, Map<String, Operator> standard) {
    for (String name : List.of("Add", "Mul")) {
      operators.put("QLinear" + name, single(call -> binary(call, named(standard, name))));
    }
    for (String name : List.of("Sigmoid", "LeakyRelu", "AveragePool", "GlobalAveragePool")) {
      operators.put("QLinear" + name, single(call -> unary(call, named(standard, name))));
    }
    operators.put("QLinearConcat", single(call -> concat(call, single(Movements::concat))));
    operators.put("QGemm", single(RuntimeOperators::gemm));
    operators.put("MatMulIntegerToFloat", single(RuntimeOperators::matMulToFloat));
    operators.put("DynamicQuantizeLSTM", call -> dynamicLstm(call, named(standard, "LSTM")));
  }

  private static Operator named(Map<String, Operator> operators, String name) {
    Operator found = operators.get(name);
    if (found == null) {
      throw new IllegalStateException(name + " is not registered");
    }
    return found;
  }

  /** Inputs: x, its scale and zero point, those of y. */
  private static Tensor unary(Call call, Operator operator) {
    if (call.flag("channels_last")) {
      throw new IllegalArgumentException("channels come second here");
    }
    return rounded(call, applied(call, operator, real(call, 0, 1, 2)), 3, 4);
  }

  /** Inputs: a, its scale and zero point, the same of b, those of y. */
  private static Tensor binary(Call call, Operator operator) {
    Array y = applied(call, operator, real(call, 0, 1, 2), real(call, 3, 4, 5));
    return rounded(call, y, 6, 7);
  }

  /** Inputs: scale and zero point of y, then each part with its own. */
  private static Tensor concat(Call call, Operator operator) {
    List<Array> parts = new ArrayList<>();
    for (int i = 2; i < call.inputs().size(); i += 3) {
      parts.add(real(call, i, i + 1, i + 2));
    }
    return rounded(call, applied(call, operator, parts.toArray(new Array[0])), 0, 1);
  }

  /**
   * Inputs: a, its scale and zero point, the same of b, a bias at the product of both scales, scale
   * and zero point of y, without which y is float.
   */
  private static Tensor gemm(Call call) {
    Array a = real(call, 0, 1, 2);
    boolean turned = call.flag("transB");
    Array b = perChannel(call, 3, 4, 5, turned ? 0 : 1);
    Array y =
        Products.product(
            call.flag("transA") ? a.transpose(1, 0) : a, turned ? b.transpose(1, 0) : b);
    double[] scale = call.array(4).values;
    Array bias = call.arrayOrZeros(6).broadcast(y.shape);
    double alpha = call.real("alpha", 1);
    double step = call.array(1).scalar();
    for (int i = 0; i < y.values.length; i++) {
      double own = scale[scale.length == 1 ? 0 : i % y.shape[1]];
      y.values[i] = alpha * (y.values[i] + bias.values[i] * step * own);
    }
    return call.has(7) ? rounded(call, y, 7, 8) : y.to(DataType.FLOAT);
  }

  /** Inputs: a, b, their scales, their zero points, a bias. */
  private static Tensor matMulToFloat(Call call) {
    Array a = real(call, 0, 2, 4);
    Array b = perChannel(call, 1, 3, 5, call.tensor(1).rank() - 1);
    Array y = Products.product(a, b);
    return Elementwise.pairs(y, call.arrayOrZeros(6), Double::sum).to(DataType.FLOAT);
  }

  /**
   * Inputs of LSTM, but weights [directions, in, gates * hidden] as integers; then their scales and
   * zero points, one for each direction or each gate's row. Activations are not rounded here: the
   * runtime rounds them by ranges that depend on how it cuts batches.
   */
  private static List<Tensor> dynamicLstm(Call call, Operator lstm) {
    List<@Nullable Tensor> inputs = new ArrayList<>(call.inputs().subList(0, 8));
    inputs.set(1, turned(call, 1, 8, 9));
    inputs.set(2, turned(call, 2, 10, 11));
    return lstm.apply(new Call(call.node(), inputs, call.opset()));
  }

  private static Tensor turned(Call call, int codes, int scale, int zeroPoint) {
    Array w = call.array(codes);
    double[] scales = call.array(scale).values;
    double[] zeros = call.arrayOrZeros(zeroPoint, scales.length).values;
    int rows = w.shape[2];
    boolean perRow = scales.length == w.shape[0] * rows && scales.length != w.shape[0];
    for (int i = 0; i < w.values.length; i++) {
      int direction = i / (w.shape[1] * rows);
      int at = perRow ? direction * rows + i % rows : direction;
      w.values[i] = (w.values[i] - zeros[at]) * scales[at];
    }
    return w.transpose(0, 2, 1).to(DataType.FLOAT);
  }

  /** {@code operator} on real numbers, without rounding. */
  private static Array applied(Call call, Operator operator, Array... inputs) {
    List<@Nullable Tensor> reals = new ArrayList<>();
    for (Array input : inputs) {
      reals.add(input.to(DataType.DOUBLE));
    }
    return Array.of(operator.apply(new Call(call.node(), reals, call.opset())).get(0));
  }

  private static Array real(Call call, int codes, int scale, int zeroPoint) {
    return perChannel(call, codes, scale, zeroPoint, 0);
  }

  /** The numbers that codes stand for; scale and zero point are one or belong to {@code axis}. */
  private static Array perChannel(Call call, int codes, int scale, int zeroPoint, int axis) {
    Array q = Convolutions.shifted(call.array(codes), call.arrayOrZeros(zeroPoint), axis);
    double[] scales = call.array(scale).values;
    int inner = q.product(Math.min(axis + 1, q.rank()), q.rank());
    Arrays.setAll(
        q.values, i -> q.values[i] * scales[scales.length == 1 ? 0 : i / inner % scales.length]);
    return q;
  }

  private static Tensor rounded(Call call, Array y, int scale, int zeroPoint) {
    double step = call.array(scale).scalar();
    double zero = call.scalar(zeroPoint, 0);
    Tensor typed = call.optionalTensor(zeroPoint);
    DataType type = typed == null ? DataType.UINT8 : typed.type();
    double[] codes = new double[y.values.length];
    Arrays.setAll(codes, i -> Quantization.saturate(Math.rint(y.values[i] / step) + zero, type));
    return new Array(y.shape, codes).to(type);
  }
}
