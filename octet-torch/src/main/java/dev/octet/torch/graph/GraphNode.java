package dev.octet.torch.graph;

import dev.octet.graph.Attribute;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Tracer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** One node of a graph as a layer; its constants stay as they are. A trace records the node. */
final class GraphNode extends Module {
  private final Node node;
  private final long opset;
  private final Kernel kernel;
  private final List<@Nullable Datum> constants = new ArrayList<>();

  GraphNode(Node node, long opset) {
    this.node = node;
    this.opset = opset;
    kernel = Operators.kernel(node);
    for (Value input : node.inputs()) {
      dev.octet.graph.Tensor constant = input == null ? null : input.initializer();
      constants.add(constant == null ? null : Datum.host(constant));
    }
  }

  @Override
  protected Tensor forward(Tensor input) {
    return forward(new Tensor[] {input});
  }

  @Override
  protected Tensor forward(Tensor[] inputs) {
    List<@Nullable Datum> data = new ArrayList<>();
    int next = 0;
    for (int i = 0; i < constants.size(); i++) {
      boolean given = constants.get(i) == null && node.inputs().get(i) != null;
      data.add(given ? Datum.borrowed(inputs[next++]) : constants.get(i));
    }
    Phase phase = isTraining() ? Phase.TRAIN : Phase.EVAL;
    List<Datum> made = kernel.run(new Call(node, opset, phase, data));
    Tensor result = new Tensor(made.get(0).tensor());
    made.forEach(Datum::free);
    return Tracer.track(result, tracer -> record(tracer, inputs));
  }

  private Value record(Tracer tracer, Tensor[] inputs) {
    List<@Nullable Value> values = new ArrayList<>();
    int next = 0;
    for (int i = 0; i < constants.size(); i++) {
      Datum constant = constants.get(i);
      if (node.inputs().get(i) == null) {
        values.add(null);
      } else if (constant != null) {
        values.add(tracer.constant(constant.numbers()));
      } else {
        values.add(tracer.value(inputs[next++], "the operand of " + node.op()));
      }
    }
    NodeSpec spec = NodeSpec.of(node.op()).reads(values.toArray(new @Nullable Value[0]));
    for (Map.Entry<String, Attribute> each : node.attributes().entrySet()) {
      spec = spec.with(each.getKey(), each.getValue());
    }
    return tracer.add(spec);
  }

  @Override
  protected void release() {
    for (Datum constant : constants) {
      if (constant != null) {
        constant.free();
      }
    }
  }

  @Override
  protected String settings() {
    return node.op();
  }
}
