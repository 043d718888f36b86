package dev.octet.graph.fold;

import static java.util.Map.entry;

import dev.octet.graph.Dimension;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Computes nodes whose inputs are all constants, and Shape of a value of fixed declared shape.
 *
 * <p>Results larger than {@value Layout#LIMIT} elements and than the node's inputs together are not
 * computed: the file would grow. QuantizeLinear and DequantizeLinear are not known here, so that
 * quantized weights are never folded back.
 */
public final class Evaluator {
  private static final Map<String, Kernel> KERNELS =
      Map.ofEntries(
          entry("Identity", (node, in) -> Layout.required(in, 0)),
          entry("Reshape", MovingKernels::reshape),
          entry("Squeeze", MovingKernels::squeeze),
          entry("Unsqueeze", MovingKernels::unsqueeze),
          entry("Transpose", MovingKernels::transpose),
          entry("Expand", MovingKernels::expand),
          entry("Slice", SliceKernel::slice),
          entry("Gather", MovingKernels::gather),
          entry("Concat", MovingKernels::concat),
          entry("Where", MovingKernels::where),
          entry("ConstantOfShape", MovingKernels::constantOfShape),
          entry("Cast", ArithmeticKernels::cast),
          entry("Range", ArithmeticKernels::range),
          entry("Add", ArithmeticKernels.binary(Long::sum, Double::sum)),
          entry("Sub", ArithmeticKernels.binary((a, b) -> a - b, (a, b) -> a - b)),
          entry("Mul", ArithmeticKernels.binary((a, b) -> a * b, (a, b) -> a * b)),
          entry("Div", ArithmeticKernels.binary(ArithmeticKernels::divide, (a, b) -> a / b)),
          entry("Pow", ArithmeticKernels::pow),
          entry("Equal", ArithmeticKernels::equal),
          entry("Neg", ArithmeticKernels.unary(a -> -a, a -> -a)),
          entry("Sqrt", ArithmeticKernels::sqrt));

  private Evaluator() {}

  /** Whether {@code node} is of a known operator and depends on constants alone. */
  public static boolean isConstant(Node node) {
    if (!node.domain().isEmpty() || node.outputs().size() != 1 || node.outputs().get(0) == null) {
      return false;
    }
    if (node.op().equals("Shape")) {
      return fixedShape(node.input(0)) != null;
    }
    return KERNELS.containsKey(node.op())
        && !node.inputs().isEmpty()
        && node.inputs().stream().allMatch(value -> value == null || value.constant() != null);
  }

  /** Whether the operator of {@code node} is known, so that {@link #evaluate(Node, List)} may. */
  public static boolean knows(Node node) {
    return node.domain().isEmpty()
        && KERNELS.containsKey(node.op())
        && node.outputs().size() == 1
        && node.outputs().get(0) != null;
  }

  /**
   * The one output of {@code node} for inputs that are known at run time only.
   *
   * @param node one that {@link #knows} says yes to
   * @param inputs null where an optional one is left out
   * @throws CannotFold as {@link #evaluate(Node)} does
   */
  public static Tensor evaluate(Node node, List<@Nullable Tensor> inputs) {
    Kernel kernel = KERNELS.get(node.op());
    if (kernel == null) {
      throw new CannotFold("operator '" + node.op() + "' has no kernel");
    }
    try {
      return kernel.apply(node, inputs);
    } catch (ArithmeticException
        | IllegalArgumentException
        | IndexOutOfBoundsException
        | IllegalStateException misfit) {
      throw new CannotFold("its inputs do not fit: " + misfit.getMessage());
    }
  }

  /**
   * The one output of {@code node}.
   *
   * @param node one for which {@link #isConstant} holds
   * @throws CannotFold if the result is too large, of a type that is not supported, or one on which
   *     ONNX or its runtimes do not agree; the message says which
   */
  public static Tensor evaluate(Node node) {
    if (node.op().equals("Shape")) {
      return shape(node);
    }
    List<@Nullable Tensor> inputs = new ArrayList<>();
    for (Value value : node.inputs()) {
      inputs.add(value == null ? null : value.constant());
    }
    return evaluate(node, inputs);
  }

  /** Shape-15 takes a range of dimensions, cut to those that there are. */
  private static Tensor shape(Node node) {
    long[] shape = fixedShape(node.input(0));
    if (shape == null) {
      throw new CannotFold("its shape is open");
    }
    int start = bound(node.intAttribute("start", 0), shape.length);
    int end = bound(node.intAttribute("end", shape.length), shape.length);
    long[] part = new long[Math.max(0, end - start)];
    System.arraycopy(shape, start, part, 0, part.length);
    return Tensor.ofLongs(part, part.length);
  }

  private static int bound(long index, int rank) {
    return (int) Math.max(0, Math.min(rank, index < 0 ? index + rank : index));
  }

  private static long @Nullable [] fixedShape(@Nullable Value value) {
    if (value == null) {
      return null;
    }
    Tensor constant = value.constant();
    if (constant != null) {
      return constant.shape();
    }
    List<Dimension> declared = value.shape();
    if (declared == null || !declared.stream().allMatch(d -> d instanceof Dimension.Fixed)) {
      return null;
    }
    return declared.stream().mapToLong(d -> ((Dimension.Fixed) d).size()).toArray();
  }
}
