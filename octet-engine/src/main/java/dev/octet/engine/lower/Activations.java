package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Attributes.Eltwise;
import dev.octet.engine.dnnl.DnnlException;
import dev.octet.engine.dnnl.Layout;
import dev.octet.engine.dnnl.Primitive;
import dev.octet.engine.dnnl.Primitives;
import dev.octet.engine.plan.Compilation;
import dev.octet.engine.plan.Lowering;
import dev.octet.engine.plan.Operand;
import dev.octet.engine.plan.Quantization;
import dev.octet.engine.plan.Stored;
import dev.octet.graph.DataType;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import org.jspecify.annotations.Nullable;

/** Element-wise functions of one tensor that oneDNN knows. */
final class Activations implements Lowering {
  static final String[] OPERATORS = {
    "Relu",
    "Clip",
    "LeakyRelu",
    "Sigmoid",
    "Tanh",
    "Elu",
    "HardSigmoid",
    "HardSwish",
    "Mish",
    "Abs",
    "Sqrt",
    "Exp",
    "Log",
    "Softplus",
    "Gelu",
    "Round",
    "Neg"
  };

  /** For other types, and for bounds that are not constant. */
  private static final Lowering IN_JAVA = new Functions();

  /**
   * An operator as oneDNN's function.
   *
   * @param homogeneous whether a change of unit commutes with it, bounds of a clip changed along
   */
  record Shape(Eltwise function, float a, float b, boolean homogeneous) {}

  /** The function that {@code node} is, or null where oneDNN has none for it. */
  static @Nullable Shape shape(Node node, Compilation to) {
    return switch (node.op()) {
      case "Relu" -> new Shape(Eltwise.RELU, 0, 0, true);
      case "LeakyRelu" -> new Shape(Eltwise.RELU, node.floatAttribute("alpha", 0.01f), 0, true);
      case "Clip" -> clip(node, to);
      case "Sigmoid" -> new Shape(Eltwise.LOGISTIC, 0, 0, false);
      case "Tanh" -> new Shape(Eltwise.TANH, 0, 0, false);
      case "Elu" -> new Shape(Eltwise.ELU, node.floatAttribute("alpha", 1), 0, false);
      case "HardSigmoid" ->
          new Shape(
              Eltwise.HARDSIGMOID,
              node.floatAttribute("alpha", 0.2f),
              node.floatAttribute("beta", 0.5f),
              false);
      case "HardSwish" -> new Shape(Eltwise.HARDSWISH, 1 / 6f, 0.5f, false);
      case "Mish" -> new Shape(Eltwise.MISH, 0, 0, false);
      case "Abs" -> new Shape(Eltwise.ABS, 0, 0, true);
      case "Sqrt" -> new Shape(Eltwise.SQRT, 0, 0, false);
      case "Exp" -> new Shape(Eltwise.EXP, 0, 0, false);
      case "Log" -> new Shape(Eltwise.LOG, 0, 0, false);
      case "Softplus" -> new Shape(Eltwise.SOFT_RELU, 1, 0, false);
      case "Round" -> new Shape(Eltwise.ROUND, 0, 0, false);
      case "Neg" -> new Shape(Eltwise.LINEAR, -1, 0, true);
      case "Gelu" ->
          new Shape(
              node.stringAttribute("approximate", "none").equals("tanh")
                  ? Eltwise.GELU_TANH
                  : Eltwise.GELU_ERF,
              0,
              0,
              false);
      default -> null;
    };
  }

  /** Bounds are attributes before version 11 and inputs since; either may be left out. */
  private static @Nullable Shape clip(Node node, Compilation to) {
    float low = node.floatAttribute("min", -Float.MAX_VALUE);
    float high = node.floatAttribute("max", Float.MAX_VALUE);
    for (int i = 1; i <= 2; i++) {
      Value bound = node.input(i);
      if (bound != null) {
        Tensor tensor = to.constant(node, i);
        if (tensor == null || tensor.type() != DataType.FLOAT || tensor.elementCount() != 1) {
          return null;
        }
        float value = tensor.toFloats()[0];
        low = i == 1 ? value : low;
        high = i == 2 ? value : high;
      }
    }
    return low <= high ? new Shape(Eltwise.CLIP, low, high, true) : null;
  }

  @Override
  public void lower(Node node, Compilation to) {
    Operand input = to.input(node, 0);
    Value output = node.outputs().get(0);
    Shape shape = shape(node, to);
    if (output == null) {
      return;
    }
    if (input.type() != DataType.FLOAT || shape == null) {
      IN_JAVA.lower(node, to);
      return;
    }
    ByteTables.Ends ends = ByteTables.Ends.of(node, to, output);
    if (ends != null) {
      if (input.elements() > ByteTables.SHORT && integers(ends, shape, to)) {
        return;
      }
      ByteTables.lower(ends, to, real(node, shape));
      return;
    }
    Stored from = to.stored(input);
    Layout layout = from.layout();
    Stored into = to.overwritable(from) ? from : to.allocate(layout);
    Primitive primitive =
        Primitives.eltwise(
            shape.function(), shape.a(), shape.b(), layout, layout, new Attributes());
    to.primitive(primitive, Map.of(Args.SRC, from, Args.DST, into));
    to.define(output, Operand.stored(into));
  }

  private static DoubleUnaryOperator real(Node node, Shape shape) {
    return shape.function == Eltwise.CLIP
        ? x -> Math.max(shape.a, Math.min(shape.b, x))
        : Functions.real(node);
  }

  /**
   * From bytes to bytes: oneDNN's element-wise primitive has no such form, but the sum with one
   * number may be followed by a function.
   */
  private static boolean integers(ByteTables.Ends ends, Shape shape, Compilation to) {
    Quantization in = ends.in();
    Quantization out = ends.out();
    Stored from = Copies.dense(ends.node(), to, ends.integers());
    Layout flat = Layout.rowMajor(in.type(), from.layout().elements());
    Attributes attributes = new Attributes();
    attributes.scale(Args.SRC, 0);
    attributes.eltwise(shape.function(), shape.a(), shape.b());
    attributes.eltwise(Eltwise.LINEAR, 1 / out.scale(), out.zeroPoint());
    Stored zero = to.floats(-in.scale() * in.zeroPoint());
    Primitive primitive;
    try {
      primitive =
          Primitives.binary(
              Attributes.Binary.ADD, flat, zero.layout(), flat.withType(out.type()), attributes);
    } catch (DnnlException noIntegers) {
      return false;
    }
    Layout made = from.layout().withType(out.type());
    Stored into = made.equals(from.layout()) && to.overwritable(from) ? from : to.allocate(made);
    Map<Integer, Stored> arguments = new LinkedHashMap<>();
    arguments.put(Args.scale(Args.SRC), to.floats(in.scale()));
    arguments.put(Args.SRC, new Stored(from.buffer(), flat));
    arguments.put(Args.SRC_1, zero);
    arguments.put(Args.DST, new Stored(into.buffer(), flat.withType(out.type())));
    to.primitive(primitive, arguments);
    ends.finish(to, into);
    return true;
  }
}
