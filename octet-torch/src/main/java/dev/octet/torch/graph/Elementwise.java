package dev.octet.torch.graph;

import static java.util.Map.entry;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.torch.Tensors;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Operators that treat each element alone, as the ONNX operator specification defines them. */
final class Elementwise {
  static final Map<String, Kernel> KERNELS =
      Map.<String, Kernel>ofEntries(
          unary("Relu", torch::relu),
          unary("Sigmoid", torch::sigmoid),
          unary("Tanh", torch::tanh),
          unary("HardSwish", torch::hardswish),
          unary("Softplus", torch::softplus),
          unary("Softsign", x -> x.div(x.abs().add(new Scalar(1)))),
          unary("Mish", torch::mish),
          unary("Erf", torch::erf),
          unary("Sqrt", Tensor::sqrt),
          unary("Exp", Tensor::exp),
          unary("Log", Tensor::log),
          unary("Neg", Tensor::neg),
          unary("Abs", Tensor::abs),
          unary("Reciprocal", Tensor::reciprocal),
          unary("Sign", Tensor::sign),
          unary("Floor", Tensor::floor),
          unary("Ceil", Tensor::ceil),
          unary("Round", Tensor::round),
          unary("Sin", Tensor::sin),
          unary("Cos", Tensor::cos),
          unary("Not", Tensor::logical_not),
          unary("Identity", x -> x),
          one("Gelu", c -> torch.gelu(c.in(0), c.text("approximate", "none"))),
          one("LeakyRelu", c -> torch.leaky_relu(c.in(0), new Scalar(c.real("alpha", 0.01)))),
          one(
              "Elu",
              c ->
                  torch.elu(c.in(0), new Scalar(c.real("alpha", 1)), new Scalar(1), new Scalar(1))),
          one("Selu", Elementwise::selu),
          one("Celu", c -> torch.celu(c.in(0), new Scalar(c.real("alpha", 1)))),
          one("HardSigmoid", Elementwise::hardSigmoid),
          one("ThresholdedRelu", Elementwise::thresholdedRelu),
          one("PRelu", Elementwise::prelu),
          one("Clip", Elementwise::clip),
          binary("Add", Tensor::add),
          binary("Sub", Tensor::sub),
          binary("Mul", Tensor::mul),
          binary("Div", Elementwise::divide),
          one("Pow", Elementwise::pow),
          one("Mod", Elementwise::mod),
          binary("Equal", Tensor::eq),
          binary("Greater", Tensor::gt),
          binary("GreaterOrEqual", Tensor::ge),
          binary("Less", Tensor::lt),
          binary("LessOrEqual", Tensor::le),
          binary("And", Tensor::logical_and),
          binary("Or", torch::logical_or),
          binary("Xor", torch::logical_xor),
          one("Where", c -> torch.where(c.in(0), c.in(1), c.in(2))),
          many("Min", torch::minimum),
          many("Max", torch::maximum),
          many("Sum", Tensor::add),
          one("Mean", Elementwise::mean),
          one("Cast", Elementwise::cast));

  private Elementwise() {}

  private static Map.Entry<String, Kernel> one(String op, Function<Call, Tensor> body) {
    return entry(op, Kernel.of(body));
  }

  private static Map.Entry<String, Kernel> unary(String op, UnaryOperator<Tensor> body) {
    return one(op, c -> body.apply(c.in(0)));
  }

  private static Map.Entry<String, Kernel> binary(String op, BinaryOperator<Tensor> body) {
    return one(op, c -> body.apply(c.in(0), aligned(c)));
  }

  private static Map.Entry<String, Kernel> many(String op, BinaryOperator<Tensor> body) {
    return one(op, c -> reduce(c, body));
  }

  private static Tensor reduce(Call c, BinaryOperator<Tensor> body) {
    Tensor result = c.in(0);
    for (int i = 1; i < c.inputs().size(); i++) {
      result = body.apply(result, c.in(i));
    }
    return result;
  }

  /** The second operand; below operator set 7 it is aligned with an axis that the node names. */
  private static Tensor aligned(Call c) {
    Tensor second = c.in(1);
    if (c.opset() >= 7 || c.integer("broadcast", 0) == 0 || c.node().attribute("axis") == null) {
      return second;
    }
    int rank = Tensors.shape(c.in(0)).length;
    long[] shape = Tensors.shape(second);
    long[] wide = new long[rank - Call.axis(c.integer("axis", 0), rank)];
    java.util.Arrays.fill(wide, 1);
    System.arraycopy(shape, 0, wide, 0, Math.min(shape.length, wide.length));
    return second.reshape(wide);
  }

  private static Tensor selu(Call c) {
    double alpha = c.real("alpha", 1.6732631921768188);
    double gamma = c.real("gamma", 1.0507010221481323);
    return torch.elu(c.in(0), new Scalar(alpha), new Scalar(gamma), new Scalar(1));
  }

  private static Tensor hardSigmoid(Call c) {
    return c.in(0)
        .mul(new Scalar(c.real("alpha", 0.2)))
        .add(new Scalar(c.real("beta", 0.5)))
        .clamp(new ScalarOptional(new Scalar(0)), new ScalarOptional(new Scalar(1)));
  }

  private static Tensor thresholdedRelu(Call c) {
    Tensor x = c.in(0);
    return x.mul(x.gt(new Scalar(c.real("alpha", 1))).to(Tensors.type(x)));
  }

  private static Tensor prelu(Call c) {
    Tensor x = c.in(0);
    return x.clamp_min(new Scalar(0)).add(x.clamp_max(new Scalar(0)).mul(c.in(1)));
  }

  /** Attributes below operator set 11, inputs from there on. */
  private static Tensor clip(Call c) {
    if (c.opset() >= 11) {
      return c.has(1) || c.has(2) ? torch.clamp(c.in(0), c.optional(1), c.optional(2)) : c.in(0);
    }
    return torch.clamp(
        c.in(0),
        c.node().attribute("min") == null
            ? new ScalarOptional()
            : new ScalarOptional(new Scalar(c.real("min", 0))),
        c.node().attribute("max") == null
            ? new ScalarOptional(new Scalar((double) Float.MAX_VALUE))
            : new ScalarOptional(new Scalar(c.real("max", 0))));
  }

  /** Integers are cut off towards zero. */
  private static Tensor divide(Tensor a, Tensor b) {
    return isFloat(a) ? a.div(b) : a.sub(a.fmod(b)).floor_divide(b);
  }

  private static Tensor pow(Call c) {
    Tensor base = c.in(0);
    Tensor exponent = c.in(1);
    // A number for an exponent has the exact gradient at zero, and square and root have kernels.
    Tensor result =
        exponent.numel() == 1 && !exponent.requires_grad() && Tensors.shape(exponent).length == 0
            ? base.pow(new Scalar(c.number(1)))
            : base.pow(exponent);
    return result.to(Tensors.type(base));
  }

  private static Tensor mod(Call c) {
    return c.integer("fmod", 0) != 0 ? c.in(0).fmod(c.in(1)) : c.in(0).remainder(c.in(1));
  }

  private static Tensor mean(Call c) {
    return reduce(c, Tensor::add).div(new Scalar((double) c.inputs().size()));
  }

  private static Tensor cast(Call c) {
    if (c.node().attribute("to") instanceof Attribute.IntValue to) {
      DataType type = DataType.ofCode((int) to.value());
      if (type != null) {
        return c.in(0).to(Tensors.scalarType(type));
      }
    }
    throw new IllegalArgumentException("attribute 'to' names no element type");
  }

  static boolean isFloat(Tensor tensor) {
    ScalarType type = Tensors.type(tensor);
    return type == ScalarType.Float
        || type == ScalarType.Double
        || type == ScalarType.Half
        || type == ScalarType.BFloat16;
  }
}
