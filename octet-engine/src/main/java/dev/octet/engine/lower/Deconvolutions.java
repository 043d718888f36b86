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
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * ConvTranspose of 1 to 3 spatial dimensions, grouped or not, in floats or in integers, with what
 * follows fused.
 *
 * <p>ONNX keeps the weights as {@code [I, O/G, kernel...]}, oneDNN as {@code [G, O/G, I/G,
 * kernel...]}. In integers the weights' scales belong to the output channels; those along the input
 * channels do not come out of the sum, and such layers run in floats.
 */
final class Deconvolutions implements Lowering {

  @Override
  public void lower(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    Operand weights = to.input(node, 1);
    Value output = node.outputs().get(0);
    if (output == null) {
      return;
    }
    Windows.check(node, input, weights, true);
    long groups = node.intAttribute("group", 1);
    long[] dims = Windows.transposedDims(node, input.dims(), weights.dims());
    dims[1] = weights.dim(1) * groups;
    Window window = Windows.transposed(node, input.dims(), weights.dims(), dims);
    Job job = new Job(node, to, input, weights, output, groups, window, dims);
    Quantization q = input.quantization();
    IntegerWeights integers =
        q != null && q.isPerTensor() && q.isByte() ? IntegerWeights.of(weights, 1, q.type()) : null;
    if (integers == null || !job.attempt(integers)) {
      job.floats();
    }
  }

  /** One layer on its way. */
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

    /** Computes with integers; false where oneDNN has no code for that. */
    boolean attempt(IntegerWeights integers) {
      return Epilogue.first(epilogues(true), epilogue -> emit(integers, epilogue)) == null;
    }

    void floats() {
      DnnlException refused = Epilogue.first(epilogues(false), epilogue -> emit(null, epilogue));
      if (refused != null) {
        throw refused;
      }
    }

    private List<Epilogue> epilogues(boolean integers) {
      return List.of(Epilogue.after(output, out, to, integers, false), Epilogue.none(output, to));
    }

    private void emit(@Nullable IntegerWeights integers, Epilogue epilogue) {
      Quantization q = integers == null ? null : input.quantization();
      Operand source = integers == null ? input : input.integers();
      if (source == null) {
        throw new IllegalStateException();
      }
      Attributes attributes = new Attributes();
      Map<Integer, Stored> arguments = new LinkedHashMap<>();
      if (q != null && integers != null) {
        attributes.scale(Args.SRC, 0);
        arguments.put(Args.scale(Args.SRC), to.floats(q.scale()));
        boolean one = integers.scales().length == 1;
        attributes.scale(Args.WEIGHTS, one ? 0 : groups > 1 ? 3 : 1);
        arguments.put(
            Args.scale(Args.WEIGHTS), to.floats(one ? integers.scales() : repeated(integers)));
        if (q.zeroPoint() != 0) {
          attributes.zeroPoint(Args.SRC, 0);
          arguments.put(Args.zeroPoint(Args.SRC), to.ints(q.zeroPoint()));
        }
      }
      epilogue.apply(attributes, arguments, null);
      Operand bias = node.input(2) == null ? null : to.input(node, 2);
      Layout biasLayout = bias == null ? null : Layout.rowMajor(DataType.FLOAT, out[1]);
      Primitive primitive =
          Primitives.deconvolution(
              Layout.any(source.type(), input.dims()),
              Layout.any(integers == null ? DataType.FLOAT : DataType.INT8, grouped()),
              biasLayout,
              Layout.any(epilogue.type(), out),
              window,
              attributes);
      try {
        if (integers != null && primitive.implementation().contains("ref")) {
          throw new DnnlException("only the reference deconvolution does this");
        }
        arguments.put(Args.SRC, to.stored(source, primitive.layout(Args.SRC)));
        arguments.put(Args.WEIGHTS, packed(primitive.layout(Args.WEIGHTS), integers));
        if (bias != null && biasLayout != null) {
          arguments.put(Args.BIAS, to.stored(bias, biasLayout));
        }
        Stored result = to.allocate(primitive.layout(Args.DST));
        arguments.put(Args.DST, result);
        to.primitive(primitive, arguments);
        epilogue.finish(result);
      } catch (RuntimeException failed) {
        primitive.close();
        throw failed;
      }
    }

    /** The scales of a group's output channels, for each group. */
    private float[] repeated(IntegerWeights integers) {
      float[] scales = new float[(int) out[1]];
      for (int o = 0; o < scales.length; o++) {
        scales[o] = integers.scale(o % integers.scales().length);
      }
      return scales;
    }

    private Stored packed(Layout layout, @Nullable IntegerWeights integers) {
      Tensor base = integers == null ? weights.real() : integers.base();
      Tensor values = integers == null ? base : integers.values();
      if (base == null || values == null) {
        Stored plain = to.rowMajor(weights);
        long[] dims = grouped();
        return to.reorder(
            new Stored(plain.buffer(), Layout.strided(DataType.FLOAT, dims, strides(dims))),
            layout);
      }
      String derivation = "transposed in " + groups;
      return to.packed(base, derivation, layout, () -> turned(values));
    }

    /**
     * Where in {@code [I, O/G, kernel...]} the elements of {@code [G, O/G, I/G, kernel...]} are.
     */
    private long[] strides(long[] dims) {
      int first = groups == 1 ? 0 : 1;
      long[] strides = new long[dims.length];
      long step = 1;
      for (int i = dims.length - 1; i >= first + 2; i--) {
        strides[i] = step;
        step *= dims[i];
      }
      strides[first] = step;
      strides[first + 1] = step * dims[first];
      strides[0] = groups == 1 ? strides[0] : strides[first + 1] * dims[first + 1];
      return strides;
    }

    /** {@code [I, O/G, kernel...]} as {@link #grouped}. */
    private Tensor turned(Tensor values) {
      int rows = (int) (values.dim(0) / groups);
      int columns = (int) values.dim(1);
      ByteBuffer from = values.data();
      byte[] bytes = new byte[from.remaining()];
      int run = bytes.length / (int) (values.dim(0) * columns);
      int at = 0;
      for (int g = 0; g < groups; g++) {
        for (int o = 0; o < columns; o++) {
          for (int i = 0; i < rows; i++) {
            from.get(((g * rows + i) * columns + o) * run, bytes, at, run);
            at += run;
          }
        }
      }
      return Tensor.ofRaw(values.type(), bytes, grouped());
    }

    /** The dimensions of the weights in oneDNN's order, with the groups first where several. */
    private long[] grouped() {
      long[] shape = weights.dims();
      int more = groups == 1 ? 0 : 1;
      long[] result = new long[shape.length + more];
      result[0] = groups;
      result[more] = shape[1];
      result[more + 1] = shape[0] / groups;
      System.arraycopy(shape, 2, result, more + 2, shape.length - 2);
      return result;
    }
  }
}
