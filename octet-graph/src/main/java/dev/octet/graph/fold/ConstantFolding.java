package dev.octet.graph.fold;

import static java.util.Map.entry;

import dev.octet.graph.Dimension;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.pass.Match;
import dev.octet.graph.pass.Rewrite;
import dev.octet.graph.pass.Rewriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Replaces nodes whose inputs are all constants by their result, and Shape of a value of fixed
 * declared shape by that shape.
 *
 * <p>Results larger than {@link Layout#LIMIT} elements and than the node's inputs together are not
 * computed: the file would grow. QuantizeLinear and DequantizeLinear are never folded.
 */
public final class ConstantFolding implements Rewrite {
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

  @Override
  public String name() {
    return "constant-folding";
  }

  @Override
  public Match match(Node node) {
    if (!isFoldable(node)) {
      return Match.none();
    }
    if (Rewriter.isReturned(node.output())) {
      return Match.refused("'" + node.output().name() + "' is an output of the graph");
    }
    try {
      evaluate(node);
      return Match.of(node);
    } catch (CannotFold refusal) {
      return Match.refused(refusal.reason());
    } catch (ArithmeticException
        | IllegalArgumentException
        | IndexOutOfBoundsException
        | IllegalStateException misfit) {
      return Match.refused("its inputs do not fit: " + misfit.getMessage());
    }
  }

  @Override
  public void apply(Match.Fires match, Rewriter change) {
    change.replaceByConstant(match.node(0), evaluate(match.node(0)));
  }

  private static boolean isFoldable(Node node) {
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

  private static Tensor evaluate(Node node) {
    if (node.op().equals("Shape")) {
      return shape(node);
    }
    Kernel kernel = KERNELS.get(node.op());
    if (kernel == null) {
      throw new CannotFold("operator '" + node.op() + "' has no kernel");
    }
    List<@Nullable Tensor> inputs = new ArrayList<>();
    for (Value value : node.inputs()) {
      inputs.add(value == null ? null : value.constant());
    }
    return kernel.apply(node, inputs);
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
