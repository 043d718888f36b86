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
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.engine.plan.UnsupportedNodeException;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Conv of 1 to 3 spatial dimensions, grouped or not, in floats or in integers, with what follows
 * fused (see {@link Epilogue}).
 *
 * <p>In integers: {@code y = s_x·s_w[o] · (Σ w·(q_x − z_x)) + b[o]}. The zero point of the input is
 * folded into the bias where no element is padded, {@code b[o] − s_x·s_w[o]·z_x·Σ w}; at padded
 * edges that sum has fewer terms, so there the primitive takes the zero point itself.
 */
final class Convolutions implements Lowering {

  @Override
  public void lower(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    Operand weights = to.input(node, 1);
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    Windows.check(node, input, weights, false);
    long groups = node.intAttribute("group", 1);
    long[] shape = weights.dims();
    Window window = Windows.of(node, input.dims(), Arrays.copyOfRange(shape, 2, shape.length));
    if (!Arrays.equals(window.kernel(), Arrays.copyOfRange(shape, 2, shape.length))) {
      throw new UnsupportedNodeException(node, "its kernel_shape is not its weights'");
    }
    long[] out = Windows.outputDims(window, input.dims(), shape[0]);
    Job job = new Job(node, to, input, weights, output, groups, window, out);
    Quantization q = input.quantization();
    IntegerWeights integers =
        q != null && q.isPerTensor() && q.isByte() ? IntegerWeights.of(weights, 0, q.type()) : null;
    if (integers == null || q == null) {
      job.floats();
    } else {
      job.integers(integers);
    }
  }

  /** One convolution on its way. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Job(
      Node node,
      Compilation to,
      Operand input,
      Operand weights,
      Value output,
      long groups,
      Window window,
      long[] out) {

    void floats() {
      Epilogue summed = Epilogue.after(output, out, to, false, true);
      Layout beside = summed.residualLayout();
      // A residual of integers is counted in its scale, which floats are not.
      if (beside != null && summed.unit() == 1) {
        // Not every code for convolutions writes every layout: where the residual's is none of
        // them, its conversion costs less than a sum of its own.
        Layout last = Layout.channelsLast(DataType.FLOAT, out);
        for (Layout place : List.of(beside.withType(DataType.FLOAT), last)) {
          try {
            floats(Epilogue.after(output, out, to, false, true), place, false);
            return;
          } catch (DnnlException next) {
            // Elsewhere, then, or not fused.
          }
        }
      }
      floats(Epilogue.after(output, out, to, false, false), null, true);
    }

    /**
     * @param beside where the result is to lie, and a residual with it; null to let oneDNN choose
     * @param slow whether oneDNN's reference code will do
     */
    private void floats(Epilogue epilogue, @Nullable Layout beside, boolean slow) {
      Attributes attributes = new Attributes();
      Map<Integer, Stored> arguments = new LinkedHashMap<>();
      epilogue.apply(attributes, arguments, beside);
      Operand bias = node.input(2) == null ? null : to.input(node, 2);
      Layout biasLayout = bias == null ? null : Layout.rowMajor(DataType.FLOAT, out[1]);
      Primitive primitive =
          Primitives.convolution(
              Layout.any(DataType.FLOAT, input.dims()),
              Layout.any(DataType.FLOAT, grouped()),
              biasLayout,
              beside == null ? Layout.any(DataType.FLOAT, out) : beside,
              window,
              attributes);
      try {
        if (!slow && primitive.implementation().startsWith("ref")) {
          throw new DnnlException("only the reference convolution does this");
        }
        arguments.put(Args.SRC, to.stored(input, primitive.layout(Args.SRC)));
        arguments.put(Args.WEIGHTS, floatWeights(primitive.layout(Args.WEIGHTS)));
        if (bias != null && biasLayout != null) {
          arguments.put(Args.BIAS, to.stored(bias, biasLayout));
        }
        emit(primitive, arguments, epilogue);
      } catch (RuntimeException failed) {
        primitive.close();
        throw failed;
      }
    }

    private Stored floatWeights(Layout layout) {
      Tensor base = weights.origin();
      if (weights.isConstant() && base != null) {
        return to.packed(
            base,
            weights.derivation(),
            layout,
            () -> Objects.requireNonNull(weights.real()).reshape(grouped()));
      }
      Stored plain = to.rowMajor(weights);
      return to.reorder(
          new Stored(plain.buffer(), Layout.rowMajor(DataType.FLOAT, grouped())), layout);
    }

    void integers(IntegerWeights integers) {
      Quantization q = input.quantization();
      if (q == null) {
        throw new IllegalStateException("node '" + node.label() + "' has no integers to read");
      }
      Epilogue summed = Epilogue.after(output, out, to, true, true);
      Epilogue alone = Epilogue.after(output, out, to, true, false);
      List<Epilogue> attempts = summed.hasResidual() ? List.of(summed, alone) : List.of(alone);
      if (Epilogue.first(attempts, epilogue -> integers(q, integers, epilogue)) != null) {
        floats();
      }
    }

    private void integers(Quantization q, IntegerWeights integers, Epilogue epilogue) {
      Attributes attributes = new Attributes();
      Map<Integer, Stored> arguments = new LinkedHashMap<>();
      float unit = epilogue.unit();
      boolean grouped = groups > 1;
      attributes.scale(Args.SRC, 0);
      arguments.put(Args.scale(Args.SRC), to.floats(q.scale() / unit));
      attributes.scale(Args.WEIGHTS, integers.scales().length == 1 ? 0 : grouped ? 3 : 1);
      arguments.put(Args.scale(Args.WEIGHTS), to.floats(integers.scales()));
      boolean padded =
          Arrays.stream(window.padBegin()).anyMatch(p -> p > 0)
              || Arrays.stream(window.padEnd()).anyMatch(p -> p > 0);
      boolean fold = q.zeroPoint() != 0 && !padded;
      if (q.zeroPoint() != 0 && padded) {
        attributes.zeroPoint(Args.SRC, 0);
        arguments.put(Args.zeroPoint(Args.SRC), to.ints(q.zeroPoint()));
      }
      Stored bias = bias(q, integers, unit, fold);
      Layout destination =
          epilogue.hasResidual()
              ? Layout.channelsLast(epilogue.type(), out)
              : Layout.any(epilogue.type(), out);
      epilogue.apply(attributes, arguments, epilogue.hasResidual() ? destination : null);
      Operand source = input.integers();
      if (source == null) {
        throw new IllegalStateException();
      }
      Primitive primitive =
          Primitives.convolution(
              Layout.any(q.type(), input.dims()),
              Layout.any(DataType.INT8, grouped()),
              bias == null ? null : bias.layout(),
              destination,
              window,
              attributes);
      try {
        if (primitive.implementation().contains("ref")) {
          throw new DnnlException("only the reference convolution does this");
        }
        arguments.put(Args.SRC, to.stored(source, primitive.layout(Args.SRC)));
        arguments.put(
            Args.WEIGHTS,
            to.packed(
                integers.base(),
                "signed",
                primitive.layout(Args.WEIGHTS),
                () -> integers.values().reshape(grouped())));
        if (bias != null) {
          arguments.put(Args.BIAS, bias);
        }
        emit(primitive, arguments, epilogue);
      } catch (RuntimeException failed) {
        primitive.close();
        throw failed;
      }
    }

    /** The bias in {@code unit}s, with the input's zero point folded in if asked for. */
    private @Nullable Stored bias(
        Quantization q, IntegerWeights integers, float unit, boolean fold) {
      Tensor given = to.constant(node, 2);
      if (given == null && node.input(2) != null) {
        throw new DnnlException("the bias is computed from data");
      }
      if (given == null && !fold) {
        return null;
      }
      float[] values = new float[(int) out[1]];
      float[] base = given == null ? values : given.toFloats();
      long[] sums = fold ? integers.sumsOfRows() : new long[values.length];
      for (int o = 0; o < values.length; o++) {
        double correction = (double) q.scale() * integers.scale(o) * q.zeroPoint() * sums[o];
        values[o] = (float) ((base[o] - correction) / unit);
      }
      return to.floats(values);
    }

    private void emit(Primitive primitive, Map<Integer, Stored> arguments, Epilogue epilogue) {
      Stored result = to.allocate(primitive.layout(Args.DST));
      arguments.put(Args.DST, result);
      to.primitive(primitive, arguments);
      epilogue.finish(result);
    }

    /** The weights' dimensions, with the groups as the first where there are several. */
    private long[] grouped() {
      long[] shape = weights.dims();
      if (groups == 1) {
        return shape;
      }
      long[] result = new long[shape.length + 1];
      result[0] = groups;
      result[1] = shape[0] / groups;
      System.arraycopy(shape, 1, result, 2, shape.length - 1);
      return result;
    }
  }
}
