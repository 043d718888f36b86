package dev.octet.torch.script;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/** Convolutions, matrix products, normalizations and embeddings. */
final class LayerOperators {

  private LayerOperators() {}

  static void register(Map<String, Operators.Rule> rules) {
    for (int i = 1; i <= 3; i++) {
      rules.put("conv" + i + "d", c -> convolve(c, 3, 4, 5, -1, 6));
      rules.put("conv_transpose" + i + "d", c -> deconvolve(c, 3, 4, 7, 5, 6));
    }
    Operators.Rule general =
        c -> {
          if (c.flag(6)) {
            deconvolve(c, 3, 4, 5, 7, 8);
          } else {
            convolve(c, 3, 4, 5, 7, 8);
          }
        };
    rules.put("_convolution", general);
    rules.put("convolution", general);
    rules.put("linear", c -> c.returns(linear(c, c.tensor(0), c.in(0), c.tensor(1), bias(c, 2))));
    rules.put("addmm", c -> c.returns(addmm(c)));
    rules.put("baddbmm", c -> c.returns(baddbmm(c)));
    for (String product : new String[] {"matmul", "mm", "bmm", "mv", "dot"}) {
      rules.put(product, c -> c.returns(c.node("MatMul", c.inAsOut(0), c.inAsOut(1))));
    }
    rules.put("einsum", LayerOperators::einsum);
    rules.put("batch_norm", c -> batchNorm(c, 5, 7));
    rules.put(
        "layer_norm",
        c ->
            c.returns(
                layerNorm(
                    c,
                    c.in(0),
                    c.tensor(0),
                    c.integers(1).length,
                    c.has(2) ? c.in(2) : null,
                    c.has(3) ? c.in(3) : null,
                    c.number(4, 1e-5))));
    rules.put("group_norm", c -> groupNorm(c, c.integer(1), 2, 3, c.number(4, 1e-5)));
    rules.put(
        "instance_norm",
        c -> {
          if (c.flag(5)) {
            groupNorm(c, c.tensor(0).size(1), 1, 2, c.number(7));
          } else {
            batchNorm(c, -1, 7);
          }
        });
    rules.put("embedding", c -> c.returns(c.node("Gather", c.in(0), c.in(1))));
  }

  /** A bias that is None is none. */
  private static @org.jspecify.annotations.Nullable Value bias(Call c, int index) {
    return c.has(index) ? c.in(index) : null;
  }

  // ---- convolution ----

  private static void convolve(
      Call c, int stride, int padding, int dilation, int outputPadding, int groups) {
    int spatial = c.tensor(1).rank() - 2;
    long[] dilations = c.integers(dilation, spatial);
    long[] pads = new long[2 * spatial];
    if (c.isText(padding)) {
      // "same" puts the odd one at the end; "valid" is no padding
      for (int i = 0; i < spatial && c.text(padding).equals("same"); i++) {
        long total = dilations[i] * (c.tensor(1).size(i + 2) - 1);
        pads[i] = total / 2;
        pads[i + spatial] = total - total / 2;
      }
    } else {
      long[] each = c.integers(padding, spatial);
      System.arraycopy(each, 0, pads, 0, spatial);
      System.arraycopy(each, 0, pads, spatial, spatial);
    }
    finish(c, spatial, settings("Conv", c, spatial, stride, dilations, groups, pads));
  }

  private static void deconvolve(
      Call c, int stride, int padding, int dilation, int outputPadding, int groups) {
    int spatial = c.tensor(1).rank() - 2;
    long[] each = c.integers(padding, spatial);
    long[] pads = new long[2 * spatial];
    System.arraycopy(each, 0, pads, 0, spatial);
    System.arraycopy(each, 0, pads, spatial, spatial);
    NodeSpec spec =
        settings("ConvTranspose", c, spatial, stride, c.integers(dilation, spatial), groups, pads)
            .with("output_padding", Attribute.IntList.of(c.integers(outputPadding, spatial)));
    finish(c, spatial, spec);
  }

  private static NodeSpec settings(
      String op, Call c, int spatial, int stride, long[] dilations, int groups, long[] pads) {
    long[] kernel = new long[spatial];
    for (int i = 0; i < spatial; i++) {
      kernel[i] = c.tensor(1).size(i + 2);
    }
    return NodeSpec.of(op)
        .with("kernel_shape", Attribute.IntList.of(kernel))
        .with("strides", Attribute.IntList.of(c.integers(stride, spatial)))
        .with("pads", Attribute.IntList.of(pads))
        .with("dilations", Attribute.IntList.of(dilations))
        .with("group", c.integer(groups));
  }

  /** PyTorch also takes an input without the batch dimension. */
  private static void finish(Call c, int spatial, NodeSpec spec) {
    boolean batched = c.tensor(0).rank() == spatial + 2;
    Value x = batched ? c.in(0) : c.node("Unsqueeze", c.in(0), c.emit().longs(0));
    Value bias = bias(c, 2);
    Value y = c.node(bias == null ? spec.reads(x, c.in(1)) : spec.reads(x, c.in(1), bias));
    c.returns(batched ? y : c.node("Squeeze", y, c.emit().longs(0)));
  }

  // ---- matrix products ----

  /** x Wᵀ + b: one Gemm for matrices, otherwise a MatMul, which takes any number of dimensions. */
  static Value linear(
      Call c,
      TracedTensor shape,
      Value x,
      TracedTensor weight,
      @org.jspecify.annotations.Nullable Value bias) {
    if (shape.rank() == 2 && weight.rank() == 2 && bias != null) {
      return c.node(NodeSpec.of("Gemm").reads(x, c.emit().value(weight), bias).with("transB", 1));
    }
    Value product = c.node("MatMul", x, transposed(c, weight));
    return bias == null ? product : c.node("Add", product, bias);
  }

  /** The transpose of a matrix; that of a constant is a constant. */
  static Value transposed(Call c, TracedTensor matrix) {
    if (matrix.rank() < 2) {
      return c.emit().value(matrix);
    }
    if (!matrix.isConstant()) {
      return c.transpose(c.emit().value(matrix), 1, 0);
    }
    return c.emit()
        .value(
            new TracedTensor(
                matrix.nativeTensor().t(),
                matrix.origin().isEmpty() ? "" : matrix.origin() + "/t",
                false));
  }

  private static Value addmm(Call c) {
    float alpha = (float) c.number(4, 1);
    float beta = (float) c.number(3, 1);
    return c.node(
        NodeSpec.of("Gemm")
            .reads(c.inAsOut(1), c.inAsOut(2), c.inAsOut(0))
            .with("alpha", new Attribute.FloatValue(alpha))
            .with("beta", new Attribute.FloatValue(beta)));
  }

  private static Value baddbmm(Call c) {
    Value product = c.node("MatMul", c.inAsOut(1), c.inAsOut(2));
    double alpha = c.number(4, 1);
    double beta = c.number(3, 1);
    Value scaled = alpha == 1 ? product : c.node("Mul", product, c.scalar(alpha));
    if (beta == 0) {
      return scaled;
    }
    Value added = beta == 1 ? c.inAsOut(0) : c.node("Mul", c.inAsOut(0), c.scalar(beta));
    return c.node("Add", added, scaled);
  }

  private static void einsum(Call c) {
    String equation = c.text(0);
    if (!equation.equals(equation.toLowerCase(Locale.ROOT))) {
      throw c.refuse("has capital letters in its equation '" + equation + "'");
    }
    Value[] inputs = c.tensors(1).stream().map(t -> c.emit().value(t)).toArray(Value[]::new);
    c.returns(
        c.node(
            NodeSpec.of("Einsum")
                .reads(inputs)
                .with("equation", new Attribute.StringValue(equation.replace(" ", "")))));
  }

  // ---- normalization ----

  /**
   * Normalization with stored statistics.
   *
   * @param training argument that asks for the batch's own statistics, or -1
   */
  private static void batchNorm(Call c, int training, int epsilon) {
    if (!c.has(3) || !c.has(4) || (training >= 0 && c.flag(training))) {
      throw c.refuse("uses the statistics of the batch; call eval() before tracing");
    }
    TracedTensor mean = c.tensor(3);
    Value scale = c.has(1) ? c.in(1) : filled(c, 1, mean.elements());
    Value shift = c.has(2) ? c.in(2) : filled(c, 0, mean.elements());
    c.returns(
        c.node(
            NodeSpec.of("BatchNormalization")
                .reads(c.in(0), scale, shift, c.in(3), c.in(4))
                .with("epsilon", new Attribute.FloatValue((float) c.number(epsilon)))));
  }

  private static Value filled(Call c, double number, long count) {
    return filled(c, c.out().type(), number, count);
  }

  /** A constant vector; float16 and the like by a cast of float. */
  private static Value filled(Call c, DataType type, double number, long count) {
    float[] values = new float[Math.toIntExact(count)];
    Arrays.fill(values, (float) number);
    Value constant = c.emit().constant(Tensor.ofFloats(values, count));
    return c.emit().cast(constant, DataType.FLOAT, type);
  }

  /** Normalization over the last {@code axes} dimensions. */
  static Value layerNorm(
      Call c,
      Value x,
      TracedTensor shape,
      int axes,
      @org.jspecify.annotations.Nullable Value scale,
      @org.jspecify.annotations.Nullable Value shift,
      double epsilon) {
    Value scales = scale;
    if (scales == null) {
      long[] inner = Arrays.copyOfRange(shape.sizes(), shape.rank() - axes, shape.rank());
      long count = Arrays.stream(inner).reduce(1, (a, b) -> a * b);
      scales = axes == 1 ? filled(c, 1, count) : c.reshape(filled(c, 1, count), inner);
    }
    NodeSpec spec =
        NodeSpec.of("LayerNormalization")
            .with("axis", -axes)
            .with("epsilon", new Attribute.FloatValue((float) epsilon));
    return c.node(shift == null ? spec.reads(x, scales) : spec.reads(x, scales, shift));
  }

  /** Each group as one channel of an instance normalization, then scale and shift by channel. */
  private static void groupNorm(Call c, long groups, int scale, int shift, double epsilon) {
    TracedTensor x = c.tensor(0);
    Value grouped = c.reshape(c.in(0), x.size(0), groups, -1);
    Value normal =
        c.node(
            NodeSpec.of("InstanceNormalization")
                .reads(grouped, filled(c, 1, groups), filled(c, 0, groups))
                .with("epsilon", new Attribute.FloatValue((float) epsilon)));
    Value result = c.reshape(normal, x.sizes());
    long[] perChannel = new long[x.rank() - 1];
    Arrays.fill(perChannel, 1);
    perChannel[0] = x.size(1);
    if (c.has(scale)) {
      result = c.node("Mul", result, IndexOperators.reshaped(c, c.tensor(scale), perChannel));
    }
    if (c.has(shift)) {
      result = c.node("Add", result, IndexOperators.reshaped(c, c.tensor(shift), perChannel));
    }
    c.returns(result);
  }
}
