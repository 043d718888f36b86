package dev.octet.engine.plan;

import dev.octet.engine.dnnl.Primitive;
import java.util.List;
import java.util.Map;

/** One thing that a run does. */
sealed interface Step {

  /** The nodes whose work it does; several where they were fused. */
  String label();

  /** What it is, such as {@code convolution+relu}. */
  String what();

  /** The code that does it. */
  String implementation();

  List<Stored> reads();

  List<Stored> writes();

  record PrimitiveStep(
      String label,
      Primitive primitive,
      Map<Integer, Stored> arguments,
      List<Stored> reads,
      List<Stored> writes)
      implements Step {
    @Override
    public String what() {
      return primitive.kind();
    }

    @Override
    public String implementation() {
      return primitive.implementation();
    }
  }

  record KernelStep(
      String label, String what, Kernel kernel, List<Stored> reads, List<Stored> writes)
      implements Step {
    @Override
    public String implementation() {
      return "java";
    }
  }
}
