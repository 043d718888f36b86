package dev.octet.torch.op;

import static dev.octet.torch.op.Nodes.binary;
import static dev.octet.torch.op.Nodes.floating;
import static dev.octet.torch.op.Nodes.text;
import static dev.octet.torch.op.Nodes.track;
import static dev.octet.torch.op.Nodes.unary;

import dev.octet.graph.Attribute;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Element-wise operations, activations, products, reductions and changes of shape, named and
 * defined as in PyTorch. Dimensions may be negative: they count from the last.
 *
 * <p>The result belongs to the scope around the call; without one, to the caller. What LibTorch
 * refuses (shapes that do not broadcast, a dimension out of range) is a {@code RuntimeException}.
 *
 * <p>In a trace, sizes given as numbers become constants of the graph, but for the first dimension:
 * {@link #reshape} and {@link #expand} keep it free where they can, so that a model traced on one
 * batch takes batches of any size.
 */
public final class Ops {
  /** How {@link #pad} fills. */
  public enum Padding {
    /** With one value. */
    CONSTANT("constant"),
    /** With what lies inside, mirrored at the edge, without the edge itself. */
    REFLECT("reflect"),
    /** With the edge. */
    REPLICATE("edge"),
    /** With what lies at the other end. */
    CIRCULAR("wrap");

    private final String onnx;

    Padding(String onnx) {
      this.onnx = onnx;
    }

    private String libTorch() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  private Ops() {}

  // --- Element by element ----------------------------------------------------------------------

  /** {@code a + b}, broadcast. */
  public static Tensor add(Tensor a, Tensor b) {
    return binary("Add", torch.add(a, b), a, b);
  }

  /** {@code a + b}; a whole number leaves a tensor of integers in its type. */
  public static Tensor add(Tensor a, double b) {
    return withScalar("Add", a, b, torch::add);
  }

  /** {@code a - b}, broadcast. */
  public static Tensor sub(Tensor a, Tensor b) {
    return binary("Sub", torch.sub(a, b), a, b);
  }

  /** {@code a - b}; a whole number leaves a tensor of integers in its type. */
  public static Tensor sub(Tensor a, double b) {
    return withScalar("Sub", a, b, torch::sub);
  }

  /** {@code a - b}; a whole number leaves a tensor of integers in its type. */
  public static Tensor sub(double a, Tensor b) {
    try (Scope scope = Scope.open()) {
      return scope.give(
          track(
              torch.rsub(b, scalar(b, a)),
              nodes -> nodes.add("Sub", nodes.scalar(a), nodes.of(b, "the operand of Sub"))));
    }
  }

  /** {@code a · b}, element by element, broadcast. */
  public static Tensor mul(Tensor a, Tensor b) {
    return binary("Mul", torch.mul(a, b), a, b);
  }

  /** {@code a · b}; a whole number leaves a tensor of integers in its type. */
  public static Tensor mul(Tensor a, double b) {
    return withScalar("Mul", a, b, torch::mul);
  }

  /** {@code a / b}, broadcast; the quotient of integers is a float. */
  public static Tensor div(Tensor a, Tensor b) {
    return binary("Div", torch.div(a, b), a, b);
  }

  /** {@code a / b}; the quotient of integers is a float. */
  public static Tensor div(Tensor a, double b) {
    return withScalar("Div", a, b, torch::div);
  }

  /** {@code a / b}; the quotient of integers is a float. */
  public static Tensor div(double a, Tensor b) {
    try (Scope scope = Scope.open()) {
      return scope.give(
          track(
              torch.mul(torch.reciprocal(b), new Scalar(a)),
              nodes -> nodes.add("Div", nodes.scalar(a), nodes.of(b, "the operand of Div"))));
    }
  }

  /** {@code a} to the power of {@code b}, broadcast. */
  public static Tensor pow(Tensor a, Tensor b) {
    return binary("Pow", torch.pow(a, b), a, b);
  }

  /** {@code a} to the power of {@code b}. */
  public static Tensor pow(Tensor a, double b) {
    return withScalar("Pow", a, b, torch::pow);
  }

  /** The larger of two, element by element, broadcast; NaN if one is. */
  public static Tensor maximum(Tensor a, Tensor b) {
    return binary("Max", torch.maximum(a, b), a, b);
  }

  /** The smaller of two, element by element, broadcast; NaN if one is. */
  public static Tensor minimum(Tensor a, Tensor b) {
    return binary("Min", torch.minimum(a, b), a, b);
  }

  /** {@code -x}. */
  public static Tensor neg(Tensor x) {
    return unary("Neg", torch.neg(x), x);
  }

  /** The absolute value. */
  public static Tensor abs(Tensor x) {
    return unary("Abs", torch.abs(x), x);
  }

  /** {@code e} to the power of x. */
  public static Tensor exp(Tensor x) {
    return unary("Exp", torch.exp(x), x);
  }

  /** The natural logarithm. */
  public static Tensor log(Tensor x) {
    return unary("Log", torch.log(x), x);
  }

  /** The square root. */
  public static Tensor sqrt(Tensor x) {
    return unary("Sqrt", torch.sqrt(x), x);
  }

  /** {@code 1 / x}. */
  public static Tensor reciprocal(Tensor x) {
    return unary("Reciprocal", torch.reciprocal(x), x);
  }

  /** The error function {@code 2/√π ∫₀ˣ exp(-t²) dt}. */
  public static Tensor erf(Tensor x) {
    return unary("Erf", torch.erf(x), x);
  }

  /** {@code min(max(x, low), high)}; an infinite bound is none. */
  public static Tensor clamp(Tensor x, double low, double high) {
    try (Scope scope = Scope.open()) {
      boolean below = low != Double.NEGATIVE_INFINITY;
      boolean above = high != Double.POSITIVE_INFINITY;
      if (!below && !above) {
        return x;
      }
      Tensor output =
          torch.clamp(
              x,
              below ? new ScalarOptional(scalar(x, low)) : new ScalarOptional(),
              above ? new ScalarOptional(scalar(x, high)) : new ScalarOptional());
      return scope.give(
          track(
              output,
              nodes ->
                  nodes.add(
                      NodeSpec.of("Clip")
                          .reads(
                              nodes.of(x, "the operand of Clip"),
                              below ? nodes.scalar(low) : null,
                              above ? nodes.scalar(high) : null))));
    }
  }

  /** {@code a} where a condition of type Bool holds, {@code b} elsewhere; broadcast. */
  public static Tensor where(Tensor condition, Tensor a, Tensor b) {
    return track(
        torch.where(condition, a, b),
        nodes ->
            nodes.add(
                "Where",
                nodes.raw(condition, "the condition of Where"),
                nodes.of(a, "the first operand of Where"),
                nodes.of(b, "the second operand of Where")));
  }

  /** {@code value} where a mask of type Bool holds, {@code x} elsewhere. */
  public static Tensor maskedFill(Tensor x, Tensor mask, double value) {
    try (Scope scope = Scope.open()) {
      return scope.give(
          track(
              torch.masked_fill(x, mask, scalar(x, value)),
              nodes ->
                  nodes.add(
                      "Where",
                      nodes.raw(mask, "the mask"),
                      nodes.scalar(value),
                      nodes.of(x, "what is masked"))));
    }
  }

  /** The same values in another element type. */
  public static Tensor to(Tensor x, ScalarType type) {
    ScalarType from = Tensors.type(x);
    return from == type.intern()
        ? x
        : track(x.to(type), nodes -> nodes.cast(nodes.raw(x, "the operand of Cast"), from));
  }

  // --- Activations -----------------------------------------------------------------------------

  /** {@code max(x, 0)}. */
  public static Tensor relu(Tensor x) {
    return unary("Relu", torch.relu(x), x);
  }

  /** {@code min(max(x, 0), 6)}. */
  public static Tensor relu6(Tensor x) {
    return clamp(x, 0, 6);
  }

  /** {@code x} where positive, {@code slope · x} elsewhere. */
  public static Tensor leakyRelu(Tensor x, double slope) {
    try (Scope scope = Scope.open()) {
      return scope.give(withAlpha("LeakyRelu", torch.leaky_relu(x, new Scalar(slope)), x, slope));
    }
  }

  /** {@code x} where positive, {@code weight · x} elsewhere; one weight, or one for a channel. */
  public static Tensor prelu(Tensor x, Tensor weight) {
    return track(
        torch.prelu(x, weight),
        nodes -> {
          Value slope = nodes.of(weight, "the weight of PRelu");
          long[] inner = LongStream.range(1, Math.max(1, x.dim() - 1)).toArray();
          if (weight.numel() > 1 && inner.length > 0) {
            slope = nodes.add("Unsqueeze", slope, nodes.longs(inner));
          }
          return nodes.add("PRelu", nodes.of(x, "the operand of PRelu"), slope);
        });
  }

  /** {@code x} where positive, {@code alpha · (exp(x) - 1)} elsewhere. */
  public static Tensor elu(Tensor x, double alpha) {
    try (Scope scope = Scope.open()) {
      Scalar one = new Scalar(1.0);
      return scope.give(withAlpha("Elu", torch.elu(x, new Scalar(alpha), one, one), x, alpha));
    }
  }

  /** {@code x} where positive, {@code alpha · (exp(x / alpha) - 1)} elsewhere. */
  public static Tensor celu(Tensor x, double alpha) {
    try (Scope scope = Scope.open()) {
      return scope.give(withAlpha("Celu", torch.celu(x, new Scalar(alpha)), x, alpha));
    }
  }

  /** {@code x} where it is above a threshold, {@code value} elsewhere. */
  public static Tensor threshold(Tensor x, double threshold, double value) {
    try (Scope scope = Scope.open()) {
      return scope.give(
          track(
              torch.threshold(x, new Scalar(threshold), new Scalar(value)),
              nodes -> {
                Value in = nodes.of(x, "the operand of threshold");
                Value above = nodes.add("Greater", in, nodes.scalar(threshold));
                return nodes.add("Where", above, in, nodes.scalar(value));
              }));
    }
  }

  /** ELU with the scale and alpha of Klambauer et al., "Self-Normalizing Neural Networks". */
  public static Tensor selu(Tensor x) {
    return unary("Selu", torch.selu(x), x);
  }

  /** {@code x · Φ(x)} of Hendrycks and Gimpel, with Φ of the normal distribution. */
  public static Tensor gelu(Tensor x) {
    return track(
        torch.gelu(x),
        nodes -> {
          Value in = nodes.of(x, "the operand of gelu");
          Value erf = nodes.add("Erf", nodes.add("Div", in, nodes.scalar(Math.sqrt(2))));
          Value twice = nodes.add("Mul", in, nodes.add("Add", erf, nodes.scalar(1)));
          return nodes.add("Mul", twice, nodes.scalar(0.5));
        });
  }

  /** GELU with Φ by its approximation {@code (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2}. */
  public static Tensor geluTanh(Tensor x) {
    return track(
        torch.gelu(x, "tanh"),
        nodes -> {
          Value in = nodes.of(x, "the operand of gelu");
          Value cube = nodes.add("Pow", in, nodes.scalar(3));
          Value sum = nodes.add("Add", in, nodes.add("Mul", cube, nodes.scalar(0.044715)));
          Value inner = nodes.add("Mul", sum, nodes.scalar(Math.sqrt(2 / Math.PI)));
          Value twice = nodes.add("Add", nodes.add("Tanh", inner), nodes.scalar(1));
          return nodes.add("Mul", nodes.add("Mul", in, twice), nodes.scalar(0.5));
        });
  }

  /** {@code x · sigmoid(x)}, also called swish. */
  public static Tensor silu(Tensor x) {
    return track(
        torch.silu(x),
        nodes -> {
          Value in = nodes.of(x, "the operand of silu");
          return nodes.add("Mul", in, nodes.add("Sigmoid", in));
        });
  }

  /** {@code x · tanh(softplus(x))}. */
  public static Tensor mish(Tensor x) {
    return track(
        torch.mish(x),
        nodes -> {
          Value in = nodes.of(x, "the operand of mish");
          return nodes.add("Mul", in, nodes.add("Tanh", nodes.add("Softplus", in)));
        });
  }

  /** {@code 1 / (1 + exp(-x))}. */
  public static Tensor sigmoid(Tensor x) {
    return unary("Sigmoid", torch.sigmoid(x), x);
  }

  /** The hyperbolic tangent. */
  public static Tensor tanh(Tensor x) {
    return unary("Tanh", torch.tanh(x), x);
  }

  /** {@code x · min(max(x + 3, 0), 6) / 6}. */
  public static Tensor hardswish(Tensor x) {
    return unary("HardSwish", torch.hardswish(x), x);
  }

  /** {@code min(max(x + 3, 0), 6) / 6}. */
  public static Tensor hardsigmoid(Tensor x) {
    return track(
        torch.hardsigmoid(x),
        nodes ->
            nodes.add(
                NodeSpec.of("HardSigmoid")
                    .reads(nodes.of(x, "the operand of HardSigmoid"))
                    .with("alpha", floating(1.0 / 6))
                    .with("beta", floating(0.5))));
  }

  /**
   * {@code log(1 + exp(beta · x)) / beta}, and x itself where {@code beta · x} exceeds the
   * threshold.
   */
  public static Tensor softplus(Tensor x, double beta, double threshold) {
    try (Scope scope = Scope.open()) {
      return scope.give(
          track(
              torch.softplus(x, new Scalar(beta), new Scalar(threshold)),
              nodes -> {
                Value in = nodes.of(x, "the operand of Softplus");
                Value scaled = beta == 1 ? in : nodes.add("Mul", in, nodes.scalar(beta));
                Value soft = nodes.add("Softplus", scaled);
                if (beta != 1) {
                  soft = nodes.add("Div", soft, nodes.scalar(beta));
                }
                // From 20 on the two differ by less than a float32 of that size can show.
                return threshold >= 20
                    ? soft
                    : nodes.add(
                        "Where", nodes.add("Greater", scaled, nodes.scalar(threshold)), in, soft);
              }));
    }
  }

  /** {@code exp(x)} divided by its sum along a dimension. */
  public static Tensor softmax(Tensor x, int dim) {
    return withAxis("Softmax", torch.softmax(x, dim), x, dim);
  }

  /** The logarithm of {@link #softmax}. */
  public static Tensor logSoftmax(Tensor x, int dim) {
    return withAxis("LogSoftmax", torch.log_softmax(x, dim), x, dim);
  }

  /**
   * In training, each element becomes zero with probability {@code p} and is multiplied by {@code 1
   * / (1 - p)} otherwise; else x itself.
   *
   * @param p 0 to 1
   * @throws TraceException if in training and traced: a graph has no random numbers
   */
  public static Tensor dropout(Tensor x, double p, boolean training) {
    return dropsNothing(p, training) ? x : torch.dropout(x, p, true);
  }

  /** As {@link #dropout}, for whole channels {@code [N, C, ...]}. */
  public static Tensor featureDropout(Tensor x, double p, boolean training) {
    return dropsNothing(p, training) ? x : torch.feature_dropout(x, p, true);
  }

  // --- Products --------------------------------------------------------------------------------

  /** The matrix product of the last two dimensions, the others broadcast. */
  public static Tensor matmul(Tensor a, Tensor b) {
    return binary("MatMul", torch.matmul(a, b), a, b);
  }

  /**
   * {@code x · weightᵀ + bias}.
   *
   * @param x {@code [..., in]}
   * @param weight {@code [out, in]}
   * @param bias {@code [out]}
   * @return {@code [..., out]}
   */
  public static Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias) {
    try (Scope scope = Scope.open()) {
      Tensor output =
          torch.linear(x, weight, bias == null ? new TensorOptional() : new TensorOptional(bias));
      return scope.give(
          track(
              output,
              nodes -> {
                Value in = nodes.of(x, "the input of a linear layer");
                Value by = nodes.of(weight, "the weight of a linear layer");
                Value shift = bias == null ? null : nodes.of(bias, "the bias of a linear layer");
                if (x.dim() == 2) {
                  NodeSpec gemm = NodeSpec.of("Gemm").with("transB", 1);
                  return nodes.add(shift == null ? gemm.reads(in, by) : gemm.reads(in, by, shift));
                }
                Value turned = nodes.add("Transpose", "perm", new long[] {1, 0}, by);
                Value product = nodes.add("MatMul", in, turned);
                return shift == null ? product : nodes.add("Add", product, shift);
              }));
    }
  }

  // --- Reductions ------------------------------------------------------------------------------

  /** The mean over dimensions, which vanish; over all where none is given. */
  public static Tensor mean(Tensor x, long... dims) {
    return mean(x, false, dims);
  }

  /** The mean over dimensions; over all where none is given. */
  public static Tensor mean(Tensor x, boolean keepDims, long... dims) {
    try (Scope scope = Scope.open()) {
      long[] over = all(x, dims);
      Tensor output = torch.mean(x, over, keepDims, new ScalarTypeOptional());
      return scope.give(reduction("ReduceMean", output, x, keepDims, over));
    }
  }

  /** The sum over dimensions, which vanish; over all where none is given. */
  public static Tensor sum(Tensor x, long... dims) {
    return sum(x, false, dims);
  }

  /** The sum over dimensions; over all where none is given. Integers add up to int64. */
  public static Tensor sum(Tensor x, boolean keepDims, long... dims) {
    try (Scope scope = Scope.open()) {
      long[] over = all(x, dims);
      Tensor output = torch.sum(x, over, keepDims, new ScalarTypeOptional());
      return scope.give(reduction("ReduceSum", output, x, keepDims, over));
    }
  }

  /** The largest value over dimensions, which vanish; over all where none is given. */
  public static Tensor amax(Tensor x, long... dims) {
    return amax(x, false, dims);
  }

  /** The largest value over dimensions; over all where none is given. */
  public static Tensor amax(Tensor x, boolean keepDims, long... dims) {
    long[] over = all(x, dims);
    return reduction("ReduceMax", torch.amax(x, over, keepDims), x, keepDims, over);
  }

  /** The smallest value over dimensions, which vanish; over all where none is given. */
  public static Tensor amin(Tensor x, long... dims) {
    return amin(x, false, dims);
  }

  /** The smallest value over dimensions; over all where none is given. */
  public static Tensor amin(Tensor x, boolean keepDims, long... dims) {
    long[] over = all(x, dims);
    return reduction("ReduceMin", torch.amin(x, over, keepDims), x, keepDims, over);
  }

  /** The index of the largest value along a dimension, as int64; of equal ones the first. */
  public static Tensor argmax(Tensor x, int dim, boolean keepDim) {
    try (Scope scope = Scope.open()) {
      return scope.give(
          Tracer.track(
              torch.argmax(x, new LongOptional(dim), keepDim),
              t ->
                  t.add(
                      NodeSpec.of("ArgMax")
                          .reads(t.value(x, "the operand of ArgMax"))
                          .with("axis", dim)
                          .with("keepdims", keepDim ? 1 : 0))));
    }
  }

  // --- Shapes ----------------------------------------------------------------------------------

  /**
   * The same values in another shape, in row-major order. In a trace, a first size that is the
   * input's own means "as the input has it", and any other first size is left to be computed where
   * no other is.
   *
   * @param shape at most one size is -1: it is computed
   */
  public static Tensor reshape(Tensor x, long... shape) {
    return track(
        torch.reshape(x, shape),
        nodes -> {
          long[] target = shape.clone();
          boolean computed = Arrays.stream(shape).anyMatch(size -> size == -1);
          boolean empty = x.numel() == 0;
          if (target.length > 0 && x.dim() > 0 && target[0] == x.size(0)) {
            target[0] = 0;
          } else if (target.length > 0 && !computed && !empty) {
            target[0] = -1;
          }
          return nodes.add("Reshape", nodes.of(x, "the operand of reshape"), nodes.longs(target));
        });
  }

  /** Dimensions {@code start} to {@code end}, both included, as one. */
  public static Tensor flatten(Tensor x, int start, int end) {
    Tensor output = torch.flatten(x, start, end);
    return track(
        output,
        nodes -> {
          Value in = nodes.of(x, "the operand of flatten");
          int rank = rank(x);
          int first = axis(start, rank);
          int last = axis(end, rank);
          if (rank > 0 && first == last) {
            return in;
          }
          if (first == 1 && last == rank - 1) {
            return nodes.add(NodeSpec.of("Flatten").reads(in).with("axis", 1));
          }
          long[] target = Tensors.shape(output);
          Arrays.fill(target, 0, first, 0);
          target[first] = -1;
          return nodes.add("Reshape", in, nodes.longs(target));
        });
  }

  /** The same values with two dimensions exchanged. */
  public static Tensor transpose(Tensor x, int a, int b) {
    return track(
        torch.transpose(x, a, b),
        nodes -> {
          long[] order = LongStream.range(0, x.dim()).toArray();
          int first = axis(a, rank(x));
          int second = axis(b, rank(x));
          order[first] = second;
          order[second] = first;
          return nodes.add("Transpose", "perm", order, nodes.of(x, "the operand of transpose"));
        });
  }

  /** The same values with the dimensions in another order. */
  public static Tensor permute(Tensor x, long... order) {
    return track(
        torch.permute(x, order),
        nodes ->
            nodes.add(
                "Transpose",
                "perm",
                Arrays.stream(order).map(dim -> axis(dim, rank(x))).toArray(),
                nodes.of(x, "the operand of permute")));
  }

  /** Takes a dimension of size 1 away; one of another size stays. */
  public static Tensor squeeze(Tensor x, int dim) {
    return track(
        torch.squeeze(x, dim),
        nodes -> {
          Value in = nodes.of(x, "the operand of squeeze");
          return x.dim() == 0 || x.size(dim) != 1 ? in : nodes.add("Squeeze", in, nodes.longs(dim));
        });
  }

  /** Puts a dimension of size 1 in front of dimension {@code dim}. */
  public static Tensor unsqueeze(Tensor x, int dim) {
    return track(
        torch.unsqueeze(x, dim),
        nodes -> nodes.add("Unsqueeze", nodes.of(x, "the operand of unsqueeze"), nodes.longs(dim)));
  }

  /**
   * Repeats dimensions of size 1, without a copy.
   *
   * @param shape new dimensions come first; -1 keeps a size
   */
  public static Tensor expand(Tensor x, long... shape) {
    return track(
        x.expand(shape),
        nodes -> {
          long[] target = shape.clone();
          int added = shape.length - rank(x);
          for (int i = added; i < shape.length; i++) {
            // ONNX broadcasts both ways: 1 is "as the input has it".
            target[i] = shape[i] == x.size(i - added) ? 1 : Math.max(1, shape[i]);
          }
          return nodes.add("Expand", nodes.of(x, "the operand of expand"), nodes.longs(target));
        });
  }

  /** Tensors one after the other along a dimension that all have. */
  public static Tensor cat(List<Tensor> parts, int dim) {
    try (Scope scope = Scope.open()) {
      Tensor output = torch.cat(vector(parts), dim);
      return scope.give(
          track(
              output,
              nodes ->
                  nodes.add(
                      NodeSpec.of("Concat")
                          .reads(
                              parts.stream()
                                  .map(part -> nodes.of(part, "a part of cat"))
                                  .toArray(Value[]::new))
                          .with("axis", axis(dim, rank(output))))));
    }
  }

  /** Tensors of one shape along a new dimension. */
  public static Tensor stack(List<Tensor> parts, int dim) {
    try (Scope scope = Scope.open()) {
      Tensor output = torch.stack(vector(parts), dim);
      return scope.give(
          track(
              output,
              nodes -> {
                int axis = axis(dim, rank(output));
                return nodes.add(
                    NodeSpec.of("Concat")
                        .reads(
                            parts.stream()
                                .map(part -> nodes.of(part, "a part of stack"))
                                .map(part -> nodes.add("Unsqueeze", part, nodes.longs(axis)))
                                .toArray(Value[]::new))
                        .with("axis", axis));
              }));
    }
  }

  /** Parts of {@code size} along a dimension; the last may be smaller. */
  public static List<Tensor> split(Tensor x, long size, int dim) {
    if (size < 1) {
      throw new IllegalArgumentException("parts of " + size + " along a dimension; 1 is the least");
    }
    try (Scope scope = Scope.open()) {
      return parts(scope, torch.split(x, size, dim), x, dim);
    }
  }

  /** Parts of these sizes, which add up to the dimension's. */
  public static List<Tensor> split(Tensor x, long[] sizes, int dim) {
    try (Scope scope = Scope.open()) {
      return parts(scope, torch.split_with_sizes(x, sizes, dim), x, dim);
    }
  }

  /** At most {@code count} parts of one size along a dimension; the last may be smaller. */
  public static List<Tensor> chunk(Tensor x, long count, int dim) {
    try (Scope scope = Scope.open()) {
      return parts(scope, torch.chunk(x, count, dim), x, dim);
    }
  }

  /** {@code x[start:end]} along a dimension, to its last where {@code end} is beyond. */
  public static Tensor slice(Tensor x, int dim, long start, long end) {
    return slice(x, dim, start, end, 1);
  }

  /**
   * {@code x[start:end:step]} along a dimension.
   *
   * @param end negative counts from the end; {@link Long#MAX_VALUE} takes all
   * @param step 1 or more
   */
  public static Tensor slice(Tensor x, int dim, long start, long end, long step) {
    try (Scope scope = Scope.open()) {
      return scope.give(
          track(
              x.slice(dim, new LongOptional(start), new LongOptional(end), step),
              nodes -> slice(nodes, nodes.of(x, "the operand of slice"), dim, start, end, step)));
    }
  }

  /** What stands at an index of a dimension, which vanishes; a negative one counts from the end. */
  public static Tensor select(Tensor x, int dim, long index) {
    return track(
        x.select(dim, index),
        nodes ->
            nodes.add(
                NodeSpec.of("Gather")
                    .reads(
                        nodes.of(x, "the operand of select"),
                        nodes.tracer().constant(dev.octet.graph.Tensor.ofLongs(new long[] {index})))
                    .with("axis", axis(dim, rank(x)))));
  }

  /** Zeros around, as {@link #pad(Tensor, Padding, double, long...)} has it. */
  public static Tensor pad(Tensor x, long... sizes) {
    return pad(x, Padding.CONSTANT, 0, sizes);
  }

  /**
   * Elements before and after.
   *
   * @param value what {@link Padding#CONSTANT} fills with
   * @param sizes before and after the last dimension, before and after the one before it, and so
   *     on; other modes than constant pad the 1 to 3 last dimensions of a tensor that has 1 or 2
   *     more
   */
  public static Tensor pad(Tensor x, Padding mode, double value, long... sizes) {
    if (sizes.length % 2 != 0 || sizes.length > 2 * x.dim()) {
      throw new IllegalArgumentException(
          "pad takes two sizes for each of at most "
              + x.dim()
              + " dimensions, not "
              + Arrays.toString(sizes));
    }
    if (Arrays.stream(sizes).allMatch(size -> size == 0)) {
      return x;
    }
    try (Scope scope = Scope.open()) {
      Tensor output =
          mode == Padding.CONSTANT
              ? torch.constant_pad_nd(x, sizes, scalar(x, value))
              : torch.pad(x, sizes, mode.libTorch(), new DoubleOptional());
      return scope.give(
          track(
              output,
              nodes -> {
                Value in = nodes.of(x, "the operand of pad");
                if (mode == Padding.CIRCULAR) {
                  return wrap(nodes, in, x, sizes);
                }
                int rank = rank(x);
                long[] pads = new long[2 * rank];
                for (int i = 0; i < sizes.length / 2; i++) {
                  pads[rank - 1 - i] = sizes[2 * i];
                  pads[2 * rank - 1 - i] = sizes[2 * i + 1];
                }
                NodeSpec pad = NodeSpec.of("Pad").with("mode", text(mode.onnx));
                return nodes.add(
                    mode == Padding.CONSTANT
                        ? pad.reads(in, nodes.longs(pads), nodes.scalar(value))
                        : pad.reads(in, nodes.longs(pads)));
              }));
    }
  }

  // --- Constants -------------------------------------------------------------------------------

  /** Lets a trace take a tensor made elsewhere as a constant, with the values it has now. */
  public static Tensor constant(Tensor x) {
    return Tracer.track(x, tracer -> tracer.constant(Tensors.toHost(x)));
  }

  /** A float32 constant of one value. */
  public static Tensor full(double value, long... shape) {
    try (Scope scope = Scope.open()) {
      return scope.give(
          constant(torch.full(shape, new Scalar(value), new TensorOptions(ScalarType.Float))));
    }
  }

  /** A float32 constant of zeros. */
  public static Tensor zeros(long... shape) {
    return full(0, shape);
  }

  // ---------------------------------------------------------------------------------------------

  /** Python's number: an integer where an integer tensor meets a whole one. */
  private static Scalar scalar(Tensor x, double value) {
    boolean whole = value == Math.rint(value) && Math.abs(value) < 1L << 53;
    return whole && !x.is_floating_point() ? new Scalar((long) value) : new Scalar(value);
  }

  private static Tensor withScalar(
      String op, Tensor a, double b, BiFunction<Tensor, Scalar, Tensor> compute) {
    try (Scope scope = Scope.open()) {
      return scope.give(
          track(
              compute.apply(a, scalar(a, b)),
              nodes -> nodes.add(op, nodes.of(a, "the operand of " + op), nodes.scalar(b))));
    }
  }

  private static Tensor withAlpha(String op, Tensor output, Tensor x, double alpha) {
    return track(
        output,
        nodes ->
            nodes.add(
                NodeSpec.of(op)
                    .reads(nodes.of(x, "the operand of " + op))
                    .with("alpha", floating(alpha))));
  }

  private static Tensor withAxis(String op, Tensor output, Tensor x, int dim) {
    return track(
        output,
        nodes ->
            nodes.add(
                NodeSpec.of(op).reads(nodes.of(x, "the operand of " + op)).with("axis", dim)));
  }

  private static Tensor reduction(
      String op, Tensor output, Tensor x, boolean keepDims, long[] dims) {
    return track(
        output,
        nodes -> {
          Value in = nodes.of(x, "the operand of " + op);
          NodeSpec spec = NodeSpec.of(op).with("keepdims", keepDims ? 1 : 0);
          // Sums read their axes as an input from operator set 13 on, the others from 18.
          boolean reads = op.equals("ReduceSum") || nodes.tracer().opset() >= 18;
          return nodes.add(
              reads
                  ? spec.reads(in, nodes.longs(dims))
                  : spec.reads(in).with("axes", Attribute.IntList.of(dims)));
        });
  }

  private static long[] all(Tensor x, long[] dims) {
    return dims.length > 0 ? dims : LongStream.range(0, x.dim()).toArray();
  }

  private static boolean dropsNothing(double p, boolean training) {
    if (!(p >= 0 && p <= 1)) {
      throw new IllegalArgumentException("the dropout probability is " + p + ", not 0 to 1");
    }
    if (training && p > 0 && Tracer.current() != null) {
      throw new TraceException(
          "dropout in training cannot be traced: it draws random numbers; call eval() first");
    }
    return !training || p == 0;
  }

  private static TensorVector vector(List<Tensor> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("there are no tensors to put together");
    }
    for (int i = 0; i < parts.size(); i++) {
      Tensors.check(parts.get(i), "part " + i);
    }
    return new TensorVector(parts.toArray(new Tensor[0]));
  }

  private static List<Tensor> parts(Scope scope, TensorVector made, Tensor x, int dim) {
    List<Tensor> parts = new ArrayList<>();
    for (long i = 0; i < made.size(); i++) {
      // A handle of its own: the vector's elements go with the vector.
      parts.add(scope.give(new Tensor(made.get(i))));
    }
    Tracer tracer = Tracer.current();
    if (tracer != null) {
      long[] sizes = parts.stream().mapToLong(part -> part.size(dim)).toArray();
      Value[] values =
          tracer.add(
              NodeSpec.of("Split")
                  .reads(tracer.value(x, "the operand of split"), tracer.longs(sizes))
                  .with("axis", axis(dim, rank(x))),
              sizes.length);
      for (int i = 0; i < values.length; i++) {
        tracer.bind(parts.get(i), values[i]);
      }
    }
    return parts;
  }

  private static Value slice(Nodes nodes, Value in, int dim, long start, long end, long step) {
    return nodes.add(
        "Slice", in, nodes.longs(start), nodes.longs(end), nodes.longs(dim), nodes.longs(step));
  }

  /** Operator set 17 cannot wrap around: slices of each end, put at the other. */
  private static Value wrap(Nodes nodes, Value in, Tensor x, long[] sizes) {
    Value result = in;
    for (int i = 0; i < sizes.length / 2; i++) {
      int dim = rank(x) - 1 - i;
      List<Value> parts = new ArrayList<>();
      if (sizes[2 * i] > 0) {
        parts.add(slice(nodes, result, dim, -sizes[2 * i], Long.MAX_VALUE, 1));
      }
      parts.add(result);
      if (sizes[2 * i + 1] > 0) {
        parts.add(slice(nodes, result, dim, 0, sizes[2 * i + 1], 1));
      }
      if (parts.size() > 1) {
        result =
            nodes.add(NodeSpec.of("Concat").reads(parts.toArray(new Value[0])).with("axis", dim));
      }
    }
    return result;
  }

  private static int rank(Tensor x) {
    return Math.toIntExact(x.dim());
  }

  private static int axis(long dim, int rank) {
    return Math.toIntExact(dim < 0 ? dim + rank : dim);
  }
}
