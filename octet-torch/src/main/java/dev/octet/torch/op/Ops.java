package dev.octet.torch.op;

import static dev.octet.torch.op.Tracer.track;

import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Element-wise operations, products, reductions and changes of shape, named and defined as in
 * PyTorch.
 */
public final class Ops {
  private Ops() {}

  /** {@code max(x, 0)}. */
  public static Tensor relu(Tensor x) {
    return track(torch.relu(x), t -> unary(t, "Relu", x));
  }

  /** {@code a + b}, broadcast. */
  public static Tensor add(Tensor a, Tensor b) {
    return track(a.add(b, new Scalar(1)), t -> binary(t, "Add", a, b));
  }

  /** {@code a · b}, element by element, broadcast. */
  public static Tensor mul(Tensor a, Tensor b) {
    return track(a.mul(b), t -> binary(t, "Mul", a, b));
  }

  /** The matrix product of the last two dimensions, the others broadcast. */
  public static Tensor matmul(Tensor a, Tensor b) {
    return track(a.matmul(b), t -> binary(t, "MatMul", a, b));
  }

  private static Value unary(Tracer tracer, String op, Tensor x) {
    return tracer.add(NodeSpec.of(op).reads(tracer.value(x, "the operand of " + op)));
  }

  private static Value binary(Tracer tracer, String op, Tensor a, Tensor b) {
    return tracer.add(
        NodeSpec.of(op)
            .reads(
                tracer.value(a, "the first operand of " + op),
                tracer.value(b, "the second operand of " + op)));
  }
}
