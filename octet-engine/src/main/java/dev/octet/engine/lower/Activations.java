package dev.octet.engine.lower;

import dev.octet.engine.dnnl.Args;
import dev.octet.engine.dnnl.Attributes;
import dev.octet.engine.dnnl.Attributes.Eltwise;
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
import java.util.Map;
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
    Quantization in = input.quantization();
    Operand integers = input.integers();
    Compilation.Target target = to.target(output);
    Quantization out = target.quantization();
    if (in != null
        && integers != null
        && in.isPerTensor()
        && in.isByte()
        && out != null
        && out.isByte()) {
      Stored from = Arithmetic.unblocked(to, integers, out.type());
      Stored into = to.allocate(from.layout().withType(out.type()));
      Attributes attributes = new Attributes();
      // oneDNN's element-wise primitive has no scales; around the function they are linear.
      attributes.eltwise(shape.function(), shape.a(), shape.b());
      attributes.eltwise(Eltwise.LINEAR, 1 / out.scale(), out.zeroPoint());
      try {
        Primitive primitive =
            Primitives.eltwise(
                Eltwise.LINEAR,
                in.scale(),
                -in.scale() * in.zeroPoint(),
                from.layout(),
                into.layout(),
                attributes);
        to.primitive(primitive, Map.of(Args.SRC, from, Args.DST, into));
        Node quantize = target.value().producer();
        if (quantize != null) {
          to.claim(quantize);
        }
        to.define(target.value(), into);
        return;
      } catch (dev.octet.engine.dnnl.DnnlException noIntegers) {
        // In floats, then.
      }
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
}
