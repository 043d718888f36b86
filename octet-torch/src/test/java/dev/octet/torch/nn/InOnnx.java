package dev.octet.torch.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.torch.Tensors;
import dev.octet.torch.trace.Trace;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Compares what a module computes with what ONNX Runtime makes of its trace. */
final class InOnnx {
  private InOnnx() {}

  /** A module of a function, with its inputs as the function's. */
  static Module module(Function<Tensor[], Tensor> function) {
    return new Module() {
      @Override
      protected Tensor forward(Tensor[] inputs) {
        return function.apply(inputs);
      }

      @Override
      protected Tensor forward(Tensor input) {
        return forward(new Tensor[] {input});
      }
    };
  }

  /**
   * Traces on examples, runs on other inputs, in operator sets 17 and 21, and compares shapes and
   * values.
   *
   * @return the operators of the first trace
   */
  static List<String> assertSame(Module module, Tensor[] examples, Tensor[] inputs) {
    module.eval();
    Tensor expected = module.call(inputs);
    List<String> operators = List.of();
    for (long opset : new long[] {21, 17}) {
      Model model = Trace.of(module).opset(opset).graph(examples);
      HostTensor actual = run(model, inputs);
      assertThat(Arrays.stream(actual.shape()).asLongStream().toArray())
          .isEqualTo(Tensors.shape(expected));
      float[] wanted = Tensors.toFloats(expected);
      float[] got = actual.toFloats();
      for (int i = 0; i < wanted.length; i++) {
        double tolerance = 1e-5 * Math.max(1, Math.abs(wanted[i]));
        assertThat(Math.abs(got[i] - wanted[i]))
            .as("element %d: %s for %s, operator set %d", i, got[i], wanted[i], opset)
            .isLessThanOrEqualTo((float) tolerance);
      }
      operators = operators(model.graph());
    }
    return operators;
  }

  private static List<String> operators(Graph graph) {
    return graph.nodes().stream().map(Node::op).toList();
  }

  private static HostTensor run(Model model, Tensor[] inputs) {
    Map<String, HostTensor> fed = new LinkedHashMap<>();
    int index = 0;
    for (var input : model.graph().inputs()) {
      fed.put(input.name(), host(inputs[index++]));
    }
    HostTensor[] result = new HostTensor[1];
    try (OnnxRuntimeRunner runner =
        OnnxRuntimeRunner.open(model, List.of(model.graph().outputs().get(0).name()), 1)) {
      runner.run(fed, (name, value) -> result[0] = value);
    }
    return result[0];
  }

  private static HostTensor host(Tensor tensor) {
    int[] shape = Arrays.stream(Tensors.shape(tensor)).mapToInt(Math::toIntExact).toArray();
    ScalarType type = Tensors.type(tensor);
    return type == ScalarType.Long
        ? HostTensor.ofLongs(shape, Tensors.toLongs(tensor))
        : HostTensor.ofFloats(shape, Tensors.toFloats(tensor));
  }
}
