package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.dnnl.Primitives.Window;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * MatMulInteger and ConvInteger, exact in 32-bit integers; with the scales and the bias that follow
 * them (see {@link ScaledSums}) in one primitive, whose source takes its zero point and scale when
 * the model runs.
 *
 * <p>A product that oneDNN has no code for (weights that are computed, several zero points of the
 * source, weights that do not fit signed bytes) is computed in Java.
 */
final class IntegerProducts implements Lowering {

  @Override
  public void lower(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    Operand weights = to.input(node, 1);
    check(node, input);
    check(node, weights);
    Operand zeroIn = zeroPoint(node, 2, input, to);
    Operand zeroWeights = zeroPoint(node, 3, weights, to);
    if (node.is("ConvInteger")) {
      convolution(node, to, input, weights, zeroIn, zeroWeights);
    } else {
      product(node, to, input, weights, zeroIn, zeroWeights);
    }
  }

  private static void check(Node node, Operand operand) {
    if (operand.type() != DataType.UINT8 && operand.type() != DataType.INT8) {
      throw new UnsupportedNodeException(node, "it works on UINT8 and INT8, not " + operand.type());
    }
  }

  private static @Nullable Operand zeroPoint(Node node, int index, Operand of, Compilation to) {
    if (node.input(index) == null) {
      return null;
    }
    Operand zero = to.input(node, index);
    if (zero.type() != of.type()) {
      throw new UnsupportedNodeException(
          node, "a zero point is " + zero.type() + " and its tensor " + of.type());
    }
    Tensor known = zero.constant();
    boolean none = known != null && Arrays.stream(known.toLongs()).allMatch(z -> z == 0);
    return none ? null : zero;
  }

  /**
   * The constant weights less their zero points as signed bytes; null where they are not constant
   * or do not fit.
   *
   * @param axis the dimension that may have a zero point for each index; −1 for none
   */
  private static @Nullable IntegerWeights signed(
      Operand weights, @Nullable Operand zero, int axis) {
    Tensor base = weights.constant();
    Tensor zeros = zero == null ? null : zero.constant();
    if (base == null || (zero != null && zeros == null)) {
      return null;
    }
    if (zeros == null && base.type() == DataType.INT8) {
      return new IntegerWeights(base, base, new float[] {1});
    }
    long[] shift = zeros == null ? new long[1] : zeros.toLongs();
    if (shift.length != 1 && (axis < 0 || shift.length != base.dim(axis))) {
      return null;
    }
    long inner = 1;
    for (int i = axis + 1; i < base.rank(); i++) {
      inner *= base.dim(i);
    }
    long[] from = base.toLongs();
    byte[] bytes = new byte[from.length];
    for (int i = 0; i < bytes.length; i++) {
      long value = from[i] - shift[shift.length == 1 ? 0 : (int) (i / inner % shift.length)];
      if (value != (byte) value) {
        return null;
      }
      bytes[i] = (byte) value;
    }
    return new IntegerWeights(
        base, Tensor.ofRaw(DataType.INT8, bytes, base.shape()), new float[] {1});
  }

  private static String derivation(@Nullable Operand zero) {
    Tensor zeros = zero == null ? null : zero.constant();
    return "integers less " + (zeros == null ? "0" : Arrays.toString(zeros.toLongs()));
  }

  /** A zero point of one byte as the 32-bit integer that primitives want. */
  private static Stored widened(Operand zero, Compilation to) {
    Tensor known = zero.constant();
    if (known != null) {
      return to.ints((int) known.toLongs()[0]);
    }
    boolean signed = zero.type() == DataType.INT8;
    Stored wide = to.allocate(Layout.rowMajor(DataType.INT32, 1));
    to.kernel(
        "widen",
        (reads, writes) ->
            () -> {
              byte value = reads.get(0).get(0);
              writes.get(0).putInt(0, signed ? value : value & 0xFF);
            },
        List.of(to.rowMajor(zero)),
        List.of(wide));
    return wide;
  }

  // ---- matrices ----

  private static void product(
      Node node,
      Compilation to,
      Operand input,
      Operand weights,
      @Nullable Operand zeroIn,
      @Nullable Operand zeroWeights) {
    long[] out = IntegerMatrices.dims(node, input, weights);
    IntegerWeights constant =
        weights.rank() == 2 && input.rank() >= 2 && (zeroIn == null || zeroIn.elements() == 1)
            ? signed(weights, zeroWeights, 1)
            : null;
    if (constant != null) {
      int width = (int) weights.dim(1);
      ScaledSums scaled = ScaledSums.behind(node.output(), width, 0, to);
      for (boolean real : new boolean[] {true, false}) {
        for (boolean residual : new boolean[] {true, false}) {
          Epilogue epilogue =
              real && scaled != null
                  ? Epilogue.after(scaled.last(), out, to, true, residual)
                  : null;
          boolean same = residual && (epilogue == null || !epilogue.hasResidual());
          if ((real && scaled == null) || same) {
            continue;
          }
          try {
            matrix(
                node,
                to,
                input,
                weights,
                zeroIn,
                zeroWeights,
                out,
                constant,
                real ? scaled : null,
                epilogue);
            return;
          } catch (DnnlException next) {
            // With less fused, then, or in Java.
          }
        }
      }
    }
    IntegerMatrices.inJava(node, to, input, weights, zeroIn, zeroWeights, out);
  }

  private static void matrix(
      Node node,
      Compilation to,
      Operand input,
      Operand weights,
      @Nullable Operand zeroIn,
      @Nullable Operand zeroWeights,
      long[] out,
      IntegerWeights constant,
      @Nullable ScaledSums scaled,
      @Nullable Epilogue epilogue) {
    long depth = weights.dim(0);
    long width = weights.dim(1);
    long rows = depth == 0 ? 0 : input.elements() / depth;
    Attributes attributes = new Attributes();
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    Stored bias = scales(attributes, arguments, scaled, epilogue, 2, to);
    if (bias != null) {
      bias = new Stored(bias.buffer(), Layout.rowMajor(DataType.FLOAT, 1, width));
    }
    if (epilogue != null) {
      epilogue.applyAsMatrix(attributes, arguments, rows, width);
    }
    if (zeroIn != null) {
      attributes.zeroPoint(Args.SRC, 0);
    }
    DataType type = epilogue == null ? DataType.INT32 : epilogue.type();
    Layout source = Layout.rowMajor(input.type(), rows, depth);
    Layout destination = Layout.rowMajor(type, rows, width);
    Primitive primitive =
        Primitives.matmul(
            source,
            Layout.any(DataType.INT8, depth, width),
            bias == null ? null : bias.layout(),
            destination,
            attributes);
    try {
      if (primitive.implementation().startsWith("ref")) {
        throw new DnnlException("only the reference product does this");
      }
      arguments.put(Args.SRC, new Stored(to.rowMajor(input).buffer(), source));
      arguments.put(
          Args.WEIGHTS,
          to.packed(
              constant.base(),
              derivation(zeroWeights),
              primitive.layout(Args.WEIGHTS),
              constant::values));
      if (bias != null) {
        arguments.put(Args.BIAS, bias);
      }
      runtime(arguments, zeroIn, scaled, to);
      Stored result = to.allocate(destination);
      arguments.put(Args.DST, result);
      to.primitive(primitive, arguments);
      define(node, to, new Stored(result.buffer(), Layout.rowMajor(type, out)), scaled, epilogue);
    } catch (RuntimeException failed) {
      primitive.close();
      throw failed;
    }
  }

  /** Adds scales; the bias is returned. */
  private static @Nullable Stored scales(
      Attributes attributes,
      Map<Integer, Stored> arguments,
      @Nullable ScaledSums scaled,
      @Nullable Epilogue epilogue,
      int mask,
      Compilation to) {
    if (scaled == null || epilogue == null) {
      return null;
    }
    if (scaled.runtimeScale() != null) {
      attributes.scale(Args.SRC, 0);
    }
    float[] known = scaled.scalesIn(epilogue.unit());
    attributes.scale(Args.WEIGHTS, known.length == 1 ? 0 : mask);
    arguments.put(Args.scale(Args.WEIGHTS), to.floats(known));
    return scaled.biasIn(epilogue.unit(), to);
  }

  private static void runtime(
      Map<Integer, Stored> arguments,
      @Nullable Operand zeroIn,
      @Nullable ScaledSums scaled,
      Compilation to) {
    if (zeroIn != null) {
      arguments.put(Args.zeroPoint(Args.SRC), widened(zeroIn, to));
    }
    Operand scale = scaled == null ? null : scaled.runtimeScale();
    if (scale != null) {
      arguments.put(
          Args.scale(Args.SRC),
          new Stored(to.rowMajor(scale).buffer(), Layout.rowMajor(DataType.FLOAT, 1)));
    }
  }

  private static void define(
      Node node,
      Compilation to,
      Stored result,
      @Nullable ScaledSums scaled,
      @Nullable Epilogue epilogue) {
    if (scaled == null || epilogue == null) {
      to.define(node.output(), result);
      return;
    }
    scaled.nodes().forEach(to::claim);
    epilogue.finish(result);
  }

  // ---- convolutions ----

  private static void convolution(
      Node node,
      Compilation to,
      Operand input,
      Operand weights,
      @Nullable Operand zeroIn,
      @Nullable Operand zeroWeights) {
    int rank = input.rank();
    long groups = node.intAttribute("group", 1);
    if (rank < 3
        || rank > 5
        || weights.rank() != rank
        || groups < 1
        || weights.dim(0) % groups != 0
        || input.dim(1) != weights.dim(1) * groups) {
      throw new UnsupportedNodeException(
          node,
          Arrays.toString(input.dims())
              + " in "
              + groups
              + " groups does not fit weights of "
              + Arrays.toString(weights.dims()));
    }
    IntegerWeights constant = signed(weights, zeroWeights, 0);
    if (constant == null || (zeroIn != null && zeroIn.elements() != 1)) {
      throw new UnsupportedNodeException(
          node, "its weights less their zero point are not constant signed bytes");
    }
    long[] shape = weights.dims();
    Window window = Windows.of(node, input.dims(), Arrays.copyOfRange(shape, 2, rank));
    if (!Arrays.equals(window.kernel(), Arrays.copyOfRange(shape, 2, rank))) {
      throw new UnsupportedNodeException(node, "its kernel_shape is not its weights'");
    }
    long[] out = Windows.outputDims(window, input.dims(), shape[0]);
    Convolution job =
        new Convolution(node, to, input, zeroIn, zeroWeights, constant, groups, window, out);
    ScaledSums scaled = ScaledSums.behind(node.output(), (int) shape[0], rank - 2, to);
    for (boolean residual : new boolean[] {true, false}) {
      Epilogue epilogue =
          scaled == null ? null : Epilogue.after(scaled.last(), out, to, true, residual);
      if (epilogue == null || (residual && !epilogue.hasResidual())) {
        continue;
      }
      try {
        job.emit(scaled, epilogue);
        return;
      } catch (DnnlException next) {
        // With less fused, then.
      }
    }
    job.emit(null, null);
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Convolution(
      Node node,
      Compilation to,
      Operand input,
      @Nullable Operand zeroIn,
      @Nullable Operand zeroWeights,
      IntegerWeights constant,
      long groups,
      Window window,
      long[] out) {

    void emit(@Nullable ScaledSums scaled, @Nullable Epilogue epilogue) {
      Attributes attributes = new Attributes();
      Map<Integer, Stored> arguments = new LinkedHashMap<>();
      Stored bias = scales(attributes, arguments, scaled, epilogue, groups > 1 ? 3 : 1, to);
      DataType type = epilogue == null ? DataType.INT32 : epilogue.type();
      boolean beside = epilogue != null && epilogue.hasResidual();
      Layout destination = beside ? Layout.channelsLast(type, out) : Layout.any(type, out);
      if (epilogue != null) {
        epilogue.apply(attributes, arguments, beside ? destination : null);
      }
      if (zeroIn != null) {
        attributes.zeroPoint(Args.SRC, 0);
      }
      long[] shape = constant.values().shape();
      long[] grouped = shape;
      if (groups > 1) {
        grouped = new long[shape.length + 1];
        grouped[0] = groups;
        grouped[1] = shape[0] / groups;
        System.arraycopy(shape, 1, grouped, 2, shape.length - 1);
      }
      long[] dims = grouped;
      Primitive primitive =
          Primitives.convolution(
              Layout.any(input.type(), input.dims()),
              Layout.any(DataType.INT8, dims),
              bias == null ? null : bias.layout(),
              destination,
              window,
              attributes);
      try {
        arguments.put(Args.SRC, to.stored(input, primitive.layout(Args.SRC)));
        arguments.put(
            Args.WEIGHTS,
            to.packed(
                constant.base(),
                derivation(zeroWeights),
                primitive.layout(Args.WEIGHTS),
                () -> constant.values().reshape(dims)));
        if (bias != null) {
          arguments.put(Args.BIAS, bias);
        }
        runtime(arguments, zeroIn, scaled, to);
        Stored result = to.allocate(primitive.layout(Args.DST));
        arguments.put(Args.DST, result);
        to.primitive(primitive, arguments);
        define(node, to, result, scaled, epilogue);
      } catch (RuntimeException failed) {
        primitive.close();
        throw failed;
      }
    }
  }
}
