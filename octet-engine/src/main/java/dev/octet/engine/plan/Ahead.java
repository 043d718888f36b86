package dev.octet.engine.plan;

import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs a node whose inputs are all known while the plan is made, by the code that would run it. */
final class Ahead {
  /** Results of more elements than this, and than went in, are left to the run. */
  private static final long LIMIT = 1 << 18;

  private Ahead() {}

  /** Defines the outputs of {@code node} as constants; false where that is not possible. */
  static boolean run(Node node, Lowering lowering, Compilation into) {
    // Integers that weights are held as stay integers.
    if (node.is("QuantizeLinear") || node.is("DequantizeLinear") || node.inputs().isEmpty()) {
      return false;
    }
    long elements = LIMIT;
    Map<Value, Operand> inputs = new HashMap<>();
    for (Value input : node.inputs()) {
      if (input != null) {
        Operand operand = into.known(input);
        Tensor tensor = operand == null ? null : operand.constant();
        if (tensor == null) {
          return false;
        }
        elements = Math.max(elements, tensor.elementCount());
        inputs.put(input, Operand.constant(tensor));
      }
    }
    try (Constants constants = new Constants()) {
      Compilation alone = Compilation.alone(constants);
      inputs.forEach(alone::define);
      alone.enter(node);
      try {
        lowering.lower(node, alone);
        return run(node, alone, into, elements);
      } finally {
        alone.closePrimitives();
      }
    }
  }

  private static boolean run(Node node, Compilation alone, Compilation into, long limit) {
    Map<Value, Stored> made = new HashMap<>();
    for (Value output : node.outputs()) {
      if (output != null) {
        Operand operand = alone.known(output);
        if (operand == null || operand.elements() > limit) {
          return false;
        }
        made.put(output, alone.rowMajor(operand));
      }
    }
    made.values().forEach(stored -> stored.buffer().port = true);
    long portBytes = MemoryPlan.ports(alone.buffers);
    if (portBytes > Integer.MAX_VALUE / 2) {
      return false;
    }
    Plan plan =
        new Plan(
            alone.steps,
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            (int) portBytes,
            MemoryPlan.place(alone.buffers));
    try (Frame frame = plan.frame()) {
      frame.run();
      made.forEach(
          (output, stored) -> {
            ByteBuffer bytes = frame.view(stored);
            ByteBuffer copy = ByteBuffer.allocate(bytes.remaining()).order(ByteOrder.LITTLE_ENDIAN);
            copy.put(bytes).flip();
            Operand operand = alone.operand(output);
            into.define(
                output, Operand.constant(Tensor.wrap(operand.type(), operand.dims(), copy)));
          });
    }
    return true;
  }
}
