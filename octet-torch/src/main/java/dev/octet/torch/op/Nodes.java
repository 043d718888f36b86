package dev.octet.torch.op;

import dev.octet.graph.Attribute;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.function.Function;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Writes the nodes of one operation.
 *
 * @param type the element type that the operation computes in, its output's; ONNX operators take
 *     operands of one type, where PyTorch promotes
 */
record Nodes(Tracer tracer, ScalarType type) {
  /** As {@link Tracer#track}, computing in the output's type. */
  static Tensor track(Tensor output, Function<Nodes, Value> write) {
    return Tracer.track(output, tracer -> write.apply(new Nodes(tracer, Tensors.type(output))));
  }

  /** An operation on one tensor, which it leaves in its type. */
  static Tensor unary(String op, Tensor output, Tensor x) {
    return track(output, nodes -> nodes.add(op, nodes.of(x, "the operand of " + op)));
  }

  /** An operation on two tensors, broadcast and promoted. */
  static Tensor binary(String op, Tensor output, Tensor a, Tensor b) {
    return track(
        output,
        nodes ->
            nodes.add(
                op,
                nodes.of(a, "the first operand of " + op),
                nodes.of(b, "the second operand of " + op)));
  }

  /** The value of a tensor in the type of the operation. */
  Value of(Tensor x, String what) {
    return cast(raw(x, what), Tensors.type(x));
  }

  /** The value of a tensor in its own type. */
  Value raw(Tensor x, String what) {
    return tracer.value(x, what);
  }

  /** A value of another type in the type of the operation. */
  Value cast(Value value, ScalarType from) {
    return from == type ? value : cast(value, from, type);
  }

  Value cast(Value value, ScalarType from, ScalarType to) {
    return from == to
        ? value
        : tracer.add(NodeSpec.of("Cast").reads(value).with("to", Tensors.dataType(to).code()));
  }

  /** A constant without dimensions in the type of the operation. */
  Value scalar(double value) {
    return filled(value);
  }

  /** A constant of one value in the type of the operation. */
  Value filled(double value, long... shape) {
    try (Scope scope = Scope.open()) {
      Tensor constant = torch.full(shape, new Scalar(value), new TensorOptions(type));
      return tracer.constant(Tensors.toHost(constant));
    }
  }

  Value longs(long... values) {
    return tracer.longs(values);
  }

  Value add(String op, Value... inputs) {
    return tracer.add(NodeSpec.of(op).reads(inputs));
  }

  Value add(NodeSpec spec) {
    return tracer.add(spec);
  }

  /** A node with one attribute of a list of integers. */
  Value add(String op, String attribute, long[] values, Value... inputs) {
    return tracer.add(NodeSpec.of(op).reads(inputs).with(attribute, Attribute.IntList.of(values)));
  }

  static Attribute floating(double value) {
    return new Attribute.FloatValue((float) value);
  }

  static Attribute text(String value) {
    return new Attribute.StringValue(value);
  }
}
