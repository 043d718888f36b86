package dev.octet.torch.script;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.util.Map;

/** Operators that go element by element. */
final class ArithmeticOperators {

  private ArithmeticOperators() {}

  static void register(Map<String, Operators.Rule> rules) {
    Map.ofEntries(
            Map.entry("exp", "Exp"),
            Map.entry("log", "Log"),
            Map.entry("sqrt", "Sqrt"),
            Map.entry("erf", "Erf"),
            Map.entry("abs", "Abs"),
            Map.entry("neg", "Neg"),
            Map.entry("sigmoid", "Sigmoid"),
            Map.entry("tanh", "Tanh"),
            Map.entry("relu", "Relu"),
            Map.entry("floor", "Floor"),
            Map.entry("ceil", "Ceil"),
            Map.entry("sign", "Sign"),
            Map.entry("sin", "Sin"),
            Map.entry("cos", "Cos"),
            Map.entry("tan", "Tan"),
            Map.entry("asin", "Asin"),
            Map.entry("acos", "Acos"),
            Map.entry("atan", "Atan"),
            Map.entry("sinh", "Sinh"),
            Map.entry("cosh", "Cosh"),
            Map.entry("reciprocal", "Reciprocal"),
            Map.entry("softsign", "Softsign"))
        .forEach((torch, onnx) -> rules.put(torch, c -> c.returns(c.node(onnx, c.inAsOut(0)))));
    rules.put("round", ArithmeticOperators::round);
    rules.put("rsqrt", c -> c.returns(c.node("Reciprocal", c.node("Sqrt", c.inAsOut(0)))));
    rules.put("square", c -> c.returns(c.node("Mul", c.inAsOut(0), c.inAsOut(0))));
    rules.put("log2", c -> c.returns(logarithm(c, 2)));
    rules.put("log10", c -> c.returns(logarithm(c, 10)));
    rules.put("log1p", c -> c.returns(c.node("Log", c.node("Add", c.inAsOut(0), c.scalar(1)))));
    rules.put("expm1", c -> c.returns(c.node("Sub", c.node("Exp", c.inAsOut(0)), c.scalar(1))));
    rules.put("trunc", c -> c.returns(truncate(c, c.inAsOut(0))));

    rules.put("add", c -> c.returns(sum(c, "Add", c.inAsOut(0), scaled(c, 1))));
    rules.put("sub", c -> c.returns(c.node("Sub", c.inAsOut(0), scaled(c, 1))));
    rules.put("subtract", rules.get("sub"));
    rules.put("rsub", c -> c.returns(c.node("Sub", c.inAsOut(1), scaled(c, 0))));
    rules.put("mul", c -> c.returns(sum(c, "Mul", c.inAsOut(0), c.inAsOut(1))));
    rules.put("multiply", rules.get("mul"));
    rules.put("div", ArithmeticOperators::divide);
    rules.put("divide", rules.get("div"));
    rules.put("true_divide", rules.get("div"));
    rules.put("floor_divide", c -> c.returns(floorQuotient(c)));
    rules.put("remainder", ArithmeticOperators::remainder);
    rules.put("pow", c -> c.returns(c.node("Pow", c.inAsOut(0), c.inAsOut(1))));
    rules.put("maximum", c -> c.returns(c.node("Max", c.inAsOut(0), c.inAsOut(1))));
    rules.put("minimum", c -> c.returns(c.node("Min", c.inAsOut(0), c.inAsOut(1))));
    rules.put("addcmul", c -> c.returns(c.node("Add", c.inAsOut(0), third(c, "Mul"))));
    rules.put("addcdiv", c -> c.returns(c.node("Add", c.inAsOut(0), third(c, "Div"))));
    rules.put("lerp", ArithmeticOperators::lerp);

    compare(rules, "eq", "Equal", false);
    compare(rules, "ne", "Equal", true);
    compare(rules, "lt", "Less", false);
    compare(rules, "le", "LessOrEqual", false);
    compare(rules, "gt", "Greater", false);
    compare(rules, "ge", "GreaterOrEqual", false);
    for (String form : new String[] {"logical_", "bitwise_", "__"}) {
      String end = form.equals("__") ? "__" : "";
      logic(rules, form + "and" + end, "And");
      logic(rules, form + "or" + end, "Or");
      logic(rules, form + "xor" + end, "Xor");
    }
    rules.put("logical_not", c -> c.returns(c.node("Not", c.in(0, DataType.BOOL))));
    rules.put("bitwise_not", ArithmeticOperators::not);
    rules.put("isnan", c -> c.returns(c.node("IsNaN", c.in(0))));
    rules.put("isinf", c -> c.returns(c.node("IsInf", c.in(0))));
    rules.put("where", ArithmeticOperators::where);
    rules.put(
        "masked_fill",
        c ->
            c.returns(
                c.node("Where", c.in(1, DataType.BOOL), c.in(2, c.out().type()), c.inAsOut(0))));

    rules.put("clamp", c -> c.returns(clamp(c, c.inAsOut(0), 1, 2)));
    rules.put("clip", rules.get("clamp"));
    rules.put("clamp_min", c -> c.returns(clamp(c, c.inAsOut(0), 1, Integer.MAX_VALUE)));
    rules.put("clamp_max", c -> c.returns(clamp(c, c.inAsOut(0), Integer.MAX_VALUE, 1)));
    rules.put("hardtanh", rules.get("clamp"));
    rules.put("relu6", c -> c.returns(c.node("Clip", c.in(0), c.scalar(0), c.scalar(6))));
    rules.put(
        "leaky_relu", c -> c.returns(c.node(alpha("LeakyRelu", c.number(1, 0.01)).reads(c.in(0)))));
    rules.put("elu", ArithmeticOperators::elu);
    rules.put("selu", c -> c.returns(c.node("Selu", c.in(0))));
    rules.put("celu", c -> c.returns(c.node(alpha("Celu", c.number(1, 1)).reads(c.in(0)))));
    rules.put("gelu", c -> c.returns(gelu(c, c.in(0), c.size() > 1 && c.text(1).equals("tanh"))));
    rules.put("silu", c -> c.returns(c.node("Mul", c.in(0), c.node("Sigmoid", c.in(0)))));
    rules.put("hardswish", c -> c.returns(c.node("HardSwish", c.in(0))));
    rules.put(
        "hardsigmoid",
        c ->
            c.returns(
                c.node(
                    alpha("HardSigmoid", 1.0 / 6)
                        .with("beta", new Attribute.FloatValue(0.5f))
                        .reads(c.in(0)))));
    rules.put("softplus", ArithmeticOperators::softplus);
    rules.put(
        "mish",
        c -> c.returns(c.node("Mul", c.in(0), c.node("Tanh", c.node("Softplus", c.in(0))))));
    rules.put(
        "log_sigmoid", c -> c.returns(c.node("Neg", c.node("Softplus", c.node("Neg", c.in(0))))));
    rules.put("prelu", ArithmeticOperators::prelu);
    rules.put(
        "threshold",
        c ->
            c.returns(
                c.node(
                    "Where",
                    c.node("Greater", c.in(0), c.scalar(c.number(1))),
                    c.in(0),
                    c.scalar(c.number(2)))));
    rules.put("glu", ArithmeticOperators::glu);

    for (String same :
        new String[] {
          "contiguous",
          "clone",
          "detach",
          "alias",
          "lift_fresh",
          "positive",
          "data",
          "lift",
          "lift_fresh_copy",
          "detach_copy",
          "requires_grad"
        }) {
      rules.put(same, ArithmeticOperators::convertType);
    }
    for (String type :
        new String[] {
          "to",
          "type_as",
          "float",
          "double",
          "half",
          "bfloat16",
          "long",
          "int",
          "short",
          "char",
          "byte",
          "bool",
          "_to_copy",
          "type",
          "cpu"
        }) {
      rules.put(type, ArithmeticOperators::convertType);
    }
    rules.put("copy", ArithmeticOperators::copy);
    rules.put("fill", c -> c.returns(expand(c, c.in(1, c.out().type()))));
    rules.put("dropout", ArithmeticOperators::dropout);
    rules.put("feature_dropout", ArithmeticOperators::dropout);
    rules.put("alpha_dropout", ArithmeticOperators::dropout);
    rules.put("feature_alpha_dropout", ArithmeticOperators::dropout);
  }

  private static NodeSpec alpha(String op, double alpha) {
    return NodeSpec.of(op).with("alpha", new Attribute.FloatValue((float) alpha));
  }

  /** Both round halves to even. */
  private static void round(Call c) {
    if (c.isNumber(1) && c.integer(1) != 0) {
      throw c.refuse("rounds to decimals");
    }
    c.returns(c.node("Round", c.in(0)));
  }

  private static Value logarithm(Call c, double base) {
    return c.node("Div", c.node("Log", c.inAsOut(0)), c.scalar(Math.log(base)));
  }

  private static Value truncate(Call c, Value x) {
    return c.node("Mul", c.node("Sign", x), c.node("Floor", c.node("Abs", x)));
  }

  /** On truth values, sums are "or" and products "and". */
  private static Value sum(Call c, String op, Value a, Value b) {
    boolean truth = c.out().type() == DataType.BOOL;
    return c.node(truth ? (op.equals("Add") ? "Or" : "And") : op, a, b);
  }

  /** Argument {@code index} times the call's {@code alpha}, which is its third. */
  private static Value scaled(Call c, int index) {
    Value value = c.inAsOut(index);
    double alpha = c.number(2, 1);
    return alpha == 1 ? value : c.node("Mul", value, c.scalar(alpha));
  }

  private static Value third(Call c, String op) {
    Value value = c.node(op, c.inAsOut(1), c.inAsOut(2));
    double factor = c.number(3, 1);
    return factor == 1 ? value : c.node("Mul", value, c.scalar(factor));
  }

  private static void lerp(Call c) {
    Value step = c.node("Sub", c.inAsOut(1), c.inAsOut(0));
    c.returns(c.node("Add", c.inAsOut(0), c.node("Mul", step, c.inAsOut(2))));
  }

  private static void divide(Call c) {
    if (!c.has(2)) {
      c.returns(c.node("Div", c.inAsOut(0), c.inAsOut(1)));
    } else if (c.text(2).equals("floor")) {
      c.returns(floorQuotient(c));
    } else if (c.out().type().isFloat()) {
      c.returns(truncate(c, c.node("Div", c.inAsOut(0), c.inAsOut(1))));
    } else {
      c.returns(c.node("Div", c.inAsOut(0), c.inAsOut(1))); // ONNX's integers divide towards zero
    }
  }

  private static Value floorQuotient(Call c) {
    DataType type = c.out().type();
    if (type.isFloat()) {
      return c.node("Floor", c.node("Div", c.inAsOut(0), c.inAsOut(1)));
    }
    // a - mod(a, b) divides without a rest, and ONNX's mod has the divisor's sign as Python's.
    Value a = c.inAsOut(0);
    Value b = c.inAsOut(1);
    return c.node("Div", c.node("Sub", a, c.node("Mod", a, b)), b);
  }

  private static void remainder(Call c) {
    Value a = c.inAsOut(0);
    Value b = c.inAsOut(1);
    if (!c.out().type().isFloat()) {
      c.returns(c.node("Mod", a, b));
      return;
    }
    Value whole = c.node("Mul", c.node("Floor", c.node("Div", a, b)), b);
    c.returns(c.node("Sub", a, whole));
  }

  private static void compare(
      Map<String, Operators.Rule> rules, String name, String op, boolean negated) {
    rules.put(
        name,
        c -> {
          DataType type = c.commonType();
          if (type == DataType.BOOL && !op.equals("Equal")) {
            type = DataType.INT32;
          }
          Value result = c.node(op, c.in(0, type), c.in(1, type));
          c.returns(negated ? c.node("Not", result) : result);
        });
  }

  private static void logic(Map<String, Operators.Rule> rules, String name, String op) {
    rules.put(
        name,
        c -> {
          if (c.out().type() != DataType.BOOL) {
            throw c.refuse("works on the bits of integers");
          }
          c.returns(c.node(op, c.in(0, DataType.BOOL), c.in(1, DataType.BOOL)));
        });
  }

  private static void not(Call c) {
    if (c.out().type() != DataType.BOOL) {
      throw c.refuse("works on the bits of integers");
    }
    c.returns(c.node("Not", c.in(0)));
  }

  private static void where(Call c) {
    if (c.size() < 3) {
      throw c.refuse("returns as many elements as the inputs' values say");
    }
    c.returns(
        c.node("Where", c.in(0, DataType.BOOL), c.in(1, c.out().type()), c.in(2, c.out().type())));
  }

  private static Value clamp(Call c, Value x, int low, int high) {
    boolean tensors = c.isTensor(low) || c.isTensor(high);
    if (tensors) {
      Value result = x;
      if (c.has(low)) {
        result = c.node("Max", result, c.in(low, c.out().type()));
      }
      return c.has(high) ? c.node("Min", result, c.in(high, c.out().type())) : result;
    }
    NodeSpec clip = NodeSpec.of("Clip");
    Value lowest = c.has(low) ? c.scalar(c.number(low)) : null;
    if (c.has(high)) {
      return c.node(clip.reads(x, lowest, c.scalar(c.number(high))));
    }
    return c.node(clip.reads(x, lowest));
  }

  private static void elu(Call c) {
    if (c.number(2, 1) != 1 || c.number(3, 1) != 1) {
      throw c.refuse("has a scale other than 1");
    }
    c.returns(c.node(alpha("Elu", c.number(1, 1)).reads(c.in(0))));
  }

  /** x/2 (1 + erf(x/√2)), or with tanh(√(2/π) (x + 0.044715 x³)) for the error function. */
  static Value gelu(Call c, Value x, boolean tanh) {
    Value inner;
    if (tanh) {
      Value cube = c.node("Mul", x, c.node("Mul", x, x));
      Value sum = c.node("Add", x, c.node("Mul", cube, c.scalar(0.044715)));
      inner = c.node("Tanh", c.node("Mul", sum, c.scalar(Math.sqrt(2 / Math.PI))));
    } else {
      inner = c.node("Erf", c.node("Div", x, c.scalar(Math.sqrt(2))));
    }
    Value product = c.node("Mul", x, c.node("Add", inner, c.scalar(1)));
    return c.node("Mul", product, c.scalar(0.5));
  }

  private static void softplus(Call c) {
    double beta = c.number(1, 1);
    if (beta == 1) {
      c.returns(c.node("Softplus", c.in(0)));
      return;
    }
    Value inner = c.node("Softplus", c.node("Mul", c.in(0), c.scalar(beta)));
    c.returns(c.node("Div", inner, c.scalar(beta)));
  }

  /** PyTorch counts the slopes along axis 1, ONNX broadcasts them from the last. */
  private static void prelu(Call c) {
    TracedTensor slope = c.tensor(1);
    int rank = c.tensor(0).rank();
    Value slopes = c.in(1);
    if (slope.elements() > 1 && rank > 2) {
      long[] shape = new long[rank - 1];
      java.util.Arrays.fill(shape, 1);
      shape[0] = slope.elements();
      slopes = IndexOperators.reshaped(c, slope, shape);
    }
    c.returns(c.node("PRelu", c.in(0), slopes));
  }

  private static void glu(Call c) {
    int axis = c.axis(1);
    long half = c.tensor(0).size(axis) / 2;
    var parts =
        c.emit()
            .nodes(
                NodeSpec.of("Split").reads(c.in(0), c.emit().longs(half, half)).with("axis", axis),
                2);
    c.returns(c.node("Mul", parts.get(0), c.node("Sigmoid", parts.get(1))));
  }

  /** The same tensor, in another element type or layout of memory. */
  private static void convertType(Call c) {
    c.returns(c.inAsOut(0));
  }

  private static void copy(Call c) {
    c.returns(expand(c, c.in(1, c.out().type())));
  }

  /** {@code value} broadcast to the first result's shape. */
  private static Value expand(Call c, Value value) {
    long[] shape = c.out().sizes();
    return c.node("Expand", value, c.emit().constant(Tensor.ofLongs(shape, shape.length)));
  }

  private static void dropout(Call c) {
    if (c.flag(2)) {
      throw c.refuse("drops out as in training; call eval() before tracing");
    }
    c.returns(c.in(0));
  }
}
