package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Gemm and MatMul by constant weights, in floats or in integers, with what follows fused; {@link
 * Products} does all others.
 *
 * <p>The input's zero point is folded into the bias: {@code b[n] − s_x·s_w[n]·z_x·Σ_k w[k, n]}.
 */
final class MatrixProducts implements Lowering {

  @Override
  public void lower(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    Operand weights = to.input(node, 1);
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    boolean gemm = node.is("Gemm");
    boolean constant =
        input.type() == DataType.FLOAT
            && weights.type() == DataType.FLOAT
            && weights.rank() == 2
            && weights.isConstant()
            && input.rank() >= 2
            && node.intAttribute("transA", 0) == 0
            && node.floatAttribute("alpha", 1) == 1
            && (node.input(2) == null || hasRowBias(node, weights, to));
    if (constant) {
      new Layer(node, to, input, weights, output, gemm && node.intAttribute("transB", 0) != 0)
          .lower();
    } else {
      Products.lower(node, to, output);
    }
  }

  /** Whether Gemm's C is a constant that adds the same row to each. */
  private static boolean hasRowBias(Node node, Operand weights, Compilation to) {
    Tensor bias = to.constant(node, 2);
    long width = weights.dim(node.intAttribute("transB", 0) != 0 ? 0 : 1);
    return bias != null && bias.elementCount() == width && bias.rank() > 0 && bias.dim(-1) == width;
  }

  private static UnsupportedNodeException misfit(Node node, Operand a, Operand b) {
    return new UnsupportedNodeException(
        node,
        "matrices of "
            + Arrays.toString(a.dims())
            + " and "
            + Arrays.toString(b.dims())
            + " do not fit");
  }

  /** A product by constant weights {@code [K, N]}, or {@code [N, K]} where transposed. */
  private record Layer(
      Node node, Compilation to, Operand input, Operand weights, Value output, boolean transposed) {

    void lower() {
      long[] shape = input.dims();
      long depth = weights.dim(transposed ? 1 : 0);
      long width = weights.dim(transposed ? 0 : 1);
      if (shape[shape.length - 1] != depth) {
        throw misfit(node, input, weights);
      }
      long[] out = shape.clone();
      out[out.length - 1] = width;
      Quantization q = input.quantization();
      IntegerWeights integers =
          q != null && q.isPerTensor() && q.isByte()
              ? IntegerWeights.of(weights, transposed ? 0 : 1, q.type())
              : null;
      for (boolean whole : new boolean[] {true, false}) {
        for (boolean residual : new boolean[] {true, false}) {
          boolean inIntegers = whole && integers != null && q != null;
          if (whole && !inIntegers) {
            continue;
          }
          Epilogue epilogue = Epilogue.after(biased(), out, to, inIntegers, residual);
          // A residual of integers is counted in its scale, which floats are not.
          boolean fits = epilogue.hasResidual() && (inIntegers || epilogue.unit() == 1);
          if (residual && !fits) {
            continue;
          }
          try {
            emit(out, depth, width, inIntegers ? q : null, integers, epilogue);
            return;
          } catch (DnnlException next) {
            if (!whole && !residual) {
              throw next;
            }
          }
        }
      }
    }

    /** The Add of a constant row that follows a MatMul, null where there is none. */
    private @Nullable Node rowAdded() {
      Node sum = node.input(2) == null && !output.isOutput() ? to.onlyReader(output) : null;
      if (sum == null || !sum.is("Add") || sum.inputs().size() != 2) {
        return null;
      }
      Tensor row = row(sum);
      long width = weights.dim(transposed ? 0 : 1);
      return row != null
              && row.type() == DataType.FLOAT
              && row.elementCount() == width
              && row.rank() > 0
              && row.rank() <= input.rank()
              && row.dim(-1) == width
          ? sum
          : null;
    }

    private @Nullable Tensor row(Node sum) {
      return to.constant(sum, sum.input(0) == output ? 1 : 0);
    }

    /** The product with its bias. */
    private Value biased() {
      Node sum = rowAdded();
      return sum == null ? output : sum.output();
    }

    private void emit(
        long[] out,
        long depth,
        long width,
        @Nullable Quantization q,
        @Nullable IntegerWeights integers,
        Epilogue epilogue) {
      long rows = input.elements() / depth;
      Attributes attributes = new Attributes();
      Map<Integer, Stored> arguments = new LinkedHashMap<>();
      float unit = epilogue.unit();
      Stored bias = bias(width, q, integers, unit);
      if (q != null && integers != null) {
        attributes.scale(Args.SRC, 0);
        arguments.put(Args.scale(Args.SRC), to.floats(q.scale() / unit));
        attributes.scale(Args.WEIGHTS, integers.scales().length == 1 ? 0 : 2);
        arguments.put(Args.scale(Args.WEIGHTS), to.floats(integers.scales()));
      }
      Layout destination = Layout.rowMajor(epilogue.type(), rows, width);
      // The residual and the result are one matrix here, whatever their dimensions in the graph.
      Map<Integer, Stored> operands = new LinkedHashMap<>();
      epilogue.applyAsMatrix(attributes, operands, rows, width);
      arguments.putAll(operands);
      DataType type = q == null ? DataType.FLOAT : q.type();
      Primitive primitive =
          Primitives.matmul(
              Layout.rowMajor(type, rows, depth),
              Layout.any(q == null ? DataType.FLOAT : DataType.INT8, depth, width),
              bias == null ? null : bias.layout(),
              destination,
              attributes);
      try {
        if (q != null && primitive.implementation().startsWith("ref")) {
          throw new DnnlException("only the reference product does this");
        }
        Operand integersIn = input.integers();
        Stored plain = to.rowMajor(q == null || integersIn == null ? input : integersIn);
        arguments.put(Args.SRC, new Stored(plain.buffer(), Layout.rowMajor(type, rows, depth)));
        arguments.put(
            Args.WEIGHTS,
            packedWeights(primitive.layout(Args.WEIGHTS), q == null ? null : integers));
        if (bias != null) {
          arguments.put(Args.BIAS, bias);
        }
        Stored result = to.allocate(destination);
        arguments.put(Args.DST, result);
        to.primitive(primitive, arguments);
        Node sum = rowAdded();
        if (sum != null) {
          to.claim(sum);
        }
        epilogue.finish(new Stored(result.buffer(), Layout.rowMajor(epilogue.type(), out)));
      } catch (RuntimeException failed) {
        primitive.close();
        throw failed;
      }
    }

    private Stored packedWeights(Layout layout, @Nullable IntegerWeights integers) {
      Tensor base = integers == null ? weights.origin() : integers.base();
      if (base == null) {
        throw new IllegalStateException();
      }
      String derivation =
          (integers == null ? weights.derivation() : "signed") + (transposed ? " T" : "");
      return to.packed(
          base,
          derivation,
          layout,
          () -> {
            Tensor values =
                integers == null ? Objects.requireNonNull(weights.real()) : integers.values();
            return transposed ? transpose(values) : values;
          });
    }

    private @Nullable Stored bias(
        long width, @Nullable Quantization q, @Nullable IntegerWeights integers, float unit) {
      Node sum = rowAdded();
      Tensor given = sum == null ? to.constant(node, 2) : row(sum);
      float beta = node.floatAttribute("beta", 1);
      boolean fold = q != null && q.zeroPoint() != 0;
      if (given == null && !fold) {
        return null;
      }
      float[] values = new float[(int) width];
      float[] base = given == null ? values.clone() : given.toFloats();
      long[] sums = new long[values.length];
      if (fold && integers != null) {
        ByteBuffer data = integers.values().data();
        int depth = data.remaining() / Math.max(1, values.length);
        for (int i = 0; i < data.remaining(); i++) {
          sums[transposed ? i / depth : i % values.length] += data.get(i);
        }
      }
      for (int n = 0; n < values.length; n++) {
        double correction =
            q == null || integers == null
                ? 0
                : (double) q.scale() * integers.scale(n) * q.zeroPoint() * sums[n];
        values[n] = (float) (((double) base[n] * beta - correction) / unit);
      }
      Stored row = to.floats(values);
      return new Stored(row.buffer(), Layout.rowMajor(DataType.FLOAT, 1, width));
    }
  }

  /** A matrix of floats or bytes, transposed. */
  private static Tensor transpose(Tensor matrix) {
    int rows = (int) matrix.dim(0);
    int columns = (int) matrix.dim(1);
    int size = matrix.type().bits() / 8;
    ByteBuffer from = matrix.data();
    byte[] turned = new byte[from.remaining()];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        for (int b = 0; b < size; b++) {
          turned[(c * rows + r) * size + b] = from.get((r * columns + c) * size + b);
        }
      }
    }
    return Tensor.wrap(matrix.type(), new long[] {columns, rows}, ByteBuffer.wrap(turned));
  }
}
