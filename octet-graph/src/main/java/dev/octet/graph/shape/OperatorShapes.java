package dev.octet.graph.shape;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Dimension.Fixed;
import dev.octet.graph.Dimension.Unknown;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType.TensorType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The rules of single operators: what a node's outputs are, given its inputs.
 *
 * <p>Rules follow ONNX's operator documentation. Wherever an input does not fit its rule the result
 * is "unknown": judging models is a runtime's business.
 */
final class OperatorShapes {
  private static final Dimension UNKNOWN = new Unknown();
  private static final List<Long> NONE = List.of();

  private final Shapes known;
  private final Node node;

  OperatorShapes(Shapes known, Node node) {
    this.known = known;
    this.node = node;
  }

  /** The types of the node's first outputs; fewer than it has where the others are unknown. */
  List<TensorType> outputs() {
    try {
      return rule();
    } catch (RuntimeException misfit) {
      // A rank, axis or attribute that the operator does not allow: nothing follows from it.
      return List.of();
    }
  }

  private List<TensorType> rule() {
    return switch (node.op()) {
      case "Relu",
          "LeakyRelu",
          "PRelu",
          "Sigmoid",
          "HardSigmoid",
          "HardSwish",
          "Tanh",
          "Elu",
          "Selu",
          "Celu",
          "Softplus",
          "Softsign",
          "ThresholdedRelu",
          "Gelu",
          "Mish",
          "Clip",
          "Identity",
          "Softmax",
          "LogSoftmax",
          "Hardmax",
          "BatchNormalization",
          "InstanceNormalization",
          "LayerNormalization",
          "GroupNormalization",
          "LRN",
          "LpNormalization",
          "MeanVarianceNormalization",
          "Dropout",
          "Abs",
          "Neg",
          "Exp",
          "Log",
          "Sqrt",
          "Reciprocal",
          "Erf",
          "Floor",
          "Ceil",
          "Round",
          "Sign",
          "Sin",
          "Cos",
          "Tan",
          "CumSum",
          "Trilu" ->
          one(element(0), shape(0));
      case "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Sum", "Max", "Min", "Mean" ->
          one(element(0), broadcast(0, node.inputs().size()));
      case "Where" -> one(element(1), broadcast(0, 3));
      case "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor" ->
          one(DataType.BOOL, broadcast(0, 2));
      case "Not", "IsNaN", "IsInf" -> one(DataType.BOOL, shape(0));
      case "Cast" -> one(DataType.ofCode((int) node.intAttribute("to", 0)), shape(0));
      case "QuantizeLinear" -> one(node.input(2) == null ? null : element(2), shape(0));
      case "DequantizeLinear" -> one(element(1), shape(0));
      case "Conv" -> one(element(0), window(dim(1, 0), false));
      case "ConvTranspose" -> one(element(0), transposedWindow());
      case "MaxPool", "AveragePool", "LpPool" -> one(element(0), window(dim(0, 1), true));
      case "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool" -> one(element(0), globalPool());
      case "Gemm" ->
          one(
              element(0),
              List.of(
                  dim(0, node.intAttribute("transA", 0) == 0 ? 0 : 1),
                  dim(1, node.intAttribute("transB", 0) == 0 ? 1 : 0)));
      case "MatMul" -> one(element(0), matMul());
      case "Flatten" -> one(element(0), flatten());
      case "Reshape" -> one(element(0), reshape());
      case "Transpose" -> one(element(0), transpose());
      case "Concat" -> one(element(0), concat());
      case "Squeeze" -> one(element(0), squeeze());
      case "Unsqueeze" -> one(element(0), unsqueeze());
      case "Gather" -> one(element(0), gather());
      case "Slice", "Pad", "Resize", "Upsample", "Tile" -> one(element(0), sameRank());
      case "Split" -> Collections.nCopies(node.outputs().size(), split());
      case "Expand", "ConstantOfShape" -> expand();
      case "Shape" -> one(DataType.INT64, List.of(new Fixed(require(shape(0)).size())));
      case "Size" -> one(DataType.INT64, List.of());
      case "ReduceMean",
          "ReduceSum",
          "ReduceMax",
          "ReduceMin",
          "ReduceProd",
          "ReduceL1",
          "ReduceL2",
          "ReduceLogSum",
          "ReduceLogSumExp",
          "ReduceSumSquare" ->
          one(element(0), reduce());
      case "ArgMax", "ArgMin" -> one(DataType.INT64, argReduce());
      case "LSTM", "GRU", "RNN" -> recurrent();
      case "Constant" ->
          node.attribute("value") instanceof Attribute.TensorValue constant
              ? List.of(Shapes.typeOf(constant.value()))
              : List.of();
      default -> List.of();
    };
  }

  // ---- the rules that need more than a line ----

  /** Numpy's broadcasting of inputs {@code from} (inclusive) to {@code to} (exclusive). */
  private @Nullable List<Dimension> broadcast(int from, int to) {
    List<Dimension> result = List.of();
    for (int i = from; i < to; i++) {
      result = broadcast(result, require(shape(i)));
    }
    return result;
  }

  private static List<Dimension> broadcast(List<Dimension> a, List<Dimension> b) {
    int rank = Math.max(a.size(), b.size());
    List<Dimension> result = new ArrayList<>(rank);
    for (int i = 0; i < rank; i++) {
      Dimension left = i < rank - a.size() ? new Fixed(1) : a.get(i - rank + a.size());
      Dimension right = i < rank - b.size() ? new Fixed(1) : b.get(i - rank + b.size());
      result.add(broadcast(left, right));
    }
    return result;
  }

  private static Dimension broadcast(Dimension a, Dimension b) {
    if (isOne(a) || (b instanceof Fixed && !isOne(b))) {
      return b;
    }
    return isOne(b) || a instanceof Fixed || (a.equals(b) && !(a instanceof Unknown)) ? a : UNKNOWN;
  }

  private static boolean isOne(Dimension dimension) {
    return dimension instanceof Fixed fixed && fixed.size() == 1;
  }

  /** {@code [N, channels, ...]} of a convolution or pool, by its window. */
  private List<Dimension> window(Dimension channels, boolean pool) {
    List<Dimension> in = require(shape(0));
    int spatial = in.size() - 2;
    List<Long> kernel = node.intsAttribute("kernel_shape", NONE);
    List<Dimension> result = new ArrayList<>(List.of(in.get(0), channels));
    List<Long> pads = node.intsAttribute("pads", NONE);
    String auto = node.stringAttribute("auto_pad", "NOTSET");
    for (int i = 0; i < spatial; i++) {
      Dimension size = kernel.isEmpty() && !pool ? dim(1, i + 2) : new Fixed(kernel.get(i));
      if (!(in.get(i + 2) instanceof Fixed length) || !(size instanceof Fixed taps)) {
        result.add(UNKNOWN);
        continue;
      }
      long stride = at(node.intsAttribute("strides", NONE), i, 1);
      long reach = (taps.size() - 1) * at(node.intsAttribute("dilations", NONE), i, 1) + 1;
      long padded = length.size() + at(pads, i, 0) + at(pads, i + spatial, 0);
      if (auto.startsWith("SAME")) {
        result.add(new Fixed((length.size() + stride - 1) / stride));
      } else if (node.intAttribute("ceil_mode", 0) != 0) {
        result.add(UNKNOWN); // runtimes differ on a last window that starts in the padding
      } else {
        result.add(new Fixed((padded - reach) / stride + 1));
      }
    }
    return result;
  }

  private List<Dimension> transposedWindow() {
    List<Dimension> result = new ArrayList<>(require(shape(0)));
    Collections.fill(result.subList(1, result.size()), UNKNOWN);
    if (dim(1, 1) instanceof Fixed perGroup) {
      result.set(1, new Fixed(perGroup.size() * node.intAttribute("group", 1)));
    }
    return result;
  }

  private List<Dimension> globalPool() {
    List<Dimension> result = new ArrayList<>(require(shape(0)));
    Collections.fill(result.subList(2, result.size()), new Fixed(1));
    return result;
  }

  private List<Dimension> matMul() {
    List<Dimension> a = require(shape(0));
    List<Dimension> b = require(shape(1));
    int leadA = Math.max(0, a.size() - 2);
    int leadB = Math.max(0, b.size() - 2);
    List<Dimension> result = new ArrayList<>(broadcast(a.subList(0, leadA), b.subList(0, leadB)));
    if (a.size() > 1) {
      result.add(a.get(a.size() - 2));
    }
    if (b.size() > 1) {
      result.add(b.get(b.size() - 1));
    }
    return result;
  }

  private List<Dimension> flatten() {
    List<Dimension> in = require(shape(0));
    int axis = axis(node.intAttribute("axis", 1), in.size());
    return List.of(product(in.subList(0, axis)), product(in.subList(axis, in.size())));
  }

  private static Dimension product(List<Dimension> dimensions) {
    long product = 1;
    for (Dimension dimension : dimensions) {
      if (!(dimension instanceof Fixed fixed)) {
        return dimensions.size() == 1 ? dimension : UNKNOWN;
      }
      product = Math.multiplyExact(product, fixed.size());
    }
    return new Fixed(product);
  }

  private List<Dimension> reshape() {
    Tensor target = constant(1);
    if (target == null) {
      // Only the number of dimensions is known: the length of the shape.
      Dimension rank = require(shape(1)).get(0);
      return Collections.nCopies((int) ((Fixed) rank).size(), UNKNOWN);
    }
    List<Dimension> in = shape(0);
    List<Dimension> result = new ArrayList<>();
    long[] wanted = target.toLongs();
    for (int i = 0; i < wanted.length; i++) {
      if (wanted[i] > 0 || (wanted[i] == 0 && node.intAttribute("allowzero", 0) != 0)) {
        result.add(new Fixed(wanted[i]));
      } else if (wanted[i] == 0 && in != null) {
        result.add(in.get(i));
      } else {
        result.add(UNKNOWN);
      }
    }
    int open = result.indexOf(UNKNOWN);
    if (in != null && open >= 0 && product(in) instanceof Fixed all) {
      List<Dimension> others = new ArrayList<>(result);
      others.remove(open);
      if (product(others) instanceof Fixed rest && rest.size() > 0) {
        result.set(open, new Fixed(all.size() / rest.size()));
      }
    }
    return result;
  }

  private List<Dimension> transpose() {
    List<Dimension> in = require(shape(0));
    List<Long> backwards =
        LongStream.range(0, in.size()).map(i -> in.size() - 1 - i).boxed().toList();
    return node.intsAttribute("perm", backwards).stream().map(i -> in.get(i.intValue())).toList();
  }

  private List<Dimension> concat() {
    List<Dimension> result = new ArrayList<>(require(shape(0)));
    int axis = axis(node.intAttribute("axis", 0), result.size());
    List<Dimension> parts = new ArrayList<>();
    for (int i = 0; i < node.inputs().size(); i++) {
      parts.add(require(shape(i)).get(axis));
    }
    long sum = 0;
    for (Dimension part : parts) {
      sum = part instanceof Fixed fixed && sum >= 0 ? sum + fixed.size() : -1;
    }
    result.set(axis, sum >= 0 ? new Fixed(sum) : UNKNOWN);
    return result;
  }

  private List<Dimension> squeeze() {
    List<Dimension> in = require(shape(0));
    List<Long> axes = axes(1);
    if (axes.isEmpty()) {
      if (!in.stream().allMatch(d -> d instanceof Fixed)) {
        throw new IllegalStateException("which dimensions are 1 is unknown");
      }
      return in.stream().filter(d -> !isOne(d)).toList();
    }
    return without(in, axes);
  }

  private List<Dimension> unsqueeze() {
    List<Dimension> result = new ArrayList<>(require(shape(0)));
    List<Long> axes = axes(1);
    if (axes.isEmpty()) {
      throw new IllegalStateException("axes are unknown");
    }
    int rank = result.size() + axes.size();
    TreeSet<Integer> sorted = new TreeSet<>();
    axes.forEach(a -> sorted.add(axis(a, rank)));
    sorted.forEach(a -> result.add(a, new Fixed(1)));
    return result;
  }

  private List<Dimension> gather() {
    List<Dimension> result = new ArrayList<>(require(shape(0)));
    int axis = axis(node.intAttribute("axis", 0), result.size());
    result.remove(axis);
    result.addAll(axis, require(shape(1)));
    return result;
  }

  private List<Dimension> sameRank() {
    return Collections.nCopies(require(shape(0)).size(), UNKNOWN);
  }

  private TensorType split() {
    List<Dimension> result = new ArrayList<>(require(shape(0)));
    result.set(axis(node.intAttribute("axis", 0), result.size()), UNKNOWN);
    return new TensorType(element(0), result);
  }

  private List<TensorType> expand() {
    boolean fill = node.op().equals("ConstantOfShape");
    DataType element = fill ? DataType.FLOAT : element(0);
    if (fill && node.attribute("value") instanceof Attribute.TensorValue value) {
      element = value.value().type();
    }
    Tensor target = constant(fill ? 0 : 1);
    if (target == null) {
      return one(element, null);
    }
    List<Dimension> wanted =
        LongStream.of(target.toLongs()).<Dimension>mapToObj(Fixed::new).toList();
    return one(element, fill ? wanted : broadcast(require(shape(0)), wanted));
  }

  private List<Dimension> reduce() {
    List<Dimension> in = require(shape(0));
    List<Long> axes = axes(1);
    if (axes.isEmpty()) {
      if (node.intAttribute("noop_with_empty_axes", 0) != 0) {
        return in;
      }
      axes = LongStream.range(0, in.size()).boxed().toList();
    }
    return reduced(in, axes);
  }

  private List<Dimension> argReduce() {
    return reduced(require(shape(0)), List.of(node.intAttribute("axis", 0)));
  }

  private List<Dimension> reduced(List<Dimension> in, List<Long> axes) {
    if (node.intAttribute("keepdims", 1) == 0) {
      return without(in, axes);
    }
    List<Dimension> result = new ArrayList<>(in);
    axes.forEach(a -> result.set(axis(a, in.size()), new Fixed(1)));
    return result;
  }

  /** Y {@code [seq, directions, batch, hidden]}, then Y_h and Y_c; layout 1 puts batch first. */
  private List<TensorType> recurrent() {
    List<Dimension> in = require(shape(0));
    Dimension directions = dim(1, 0);
    Dimension hidden = dim(2, 2);
    boolean batchFirst = node.intAttribute("layout", 0) == 1;
    TensorType all =
        new TensorType(
            element(0),
            batchFirst
                ? List.of(in.get(0), in.get(1), directions, hidden)
                : List.of(in.get(0), directions, in.get(1), hidden));
    TensorType last =
        new TensorType(
            element(0),
            batchFirst
                ? List.of(in.get(0), directions, hidden)
                : List.of(directions, in.get(1), hidden));
    return List.of(all, last, last);
  }

  // ---- what rules are made of ----

  private static List<TensorType> one(@Nullable DataType element, @Nullable List<Dimension> shape) {
    return List.of(new TensorType(element, shape));
  }

  private @Nullable DataType element(int input) {
    Value value = node.input(input);
    return value == null ? null : known.elementType(value);
  }

  private @Nullable List<Dimension> shape(int input) {
    Value value = node.input(input);
    return value == null ? null : known.shape(value);
  }

  private Dimension dim(int input, int index) {
    List<Dimension> shape = shape(input);
    return shape == null ? UNKNOWN : shape.get(index);
  }

  /** The tensor that input {@code input} always is, as an initializer or from a Constant node. */
  private @Nullable Tensor constant(int input) {
    Value value = node.input(input);
    Node maker = value == null ? null : value.producer();
    if (maker != null
        && maker.is("Constant")
        && maker.attribute("value") instanceof Attribute.TensorValue made) {
      return made.value();
    }
    return value == null ? null : value.constant();
  }

  /** Axes as an attribute or as input {@code input}; empty where none are given. */
  private List<Long> axes(int input) {
    if (node.input(input) == null) {
      return node.intsAttribute("axes", NONE);
    }
    Tensor given = constant(input);
    if (given == null) {
      throw new IllegalStateException("axes are computed");
    }
    return LongStream.of(given.toLongs()).boxed().toList();
  }

  private static List<Dimension> without(List<Dimension> in, List<Long> axes) {
    List<Integer> gone = axes.stream().map(a -> axis(a, in.size())).toList();
    return IntStream.range(0, in.size()).filter(i -> !gone.contains(i)).mapToObj(in::get).toList();
  }

  private static int axis(long axis, int rank) {
    return (int) (axis < 0 ? axis + rank : axis);
  }

  private static long at(List<Long> list, int index, long otherwise) {
    return index < list.size() ? list.get(index) : otherwise;
  }

  private static <T> T require(@Nullable T what) {
    if (what == null) {
      throw new IllegalStateException("an input is unknown");
    }
    return what;
  }
}
