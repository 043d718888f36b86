package dev.octet.torch.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Graph;
import dev.octet.graph.Node;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Tracer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

/** What the graph says of itself: ONNX demands a type of every input and output. */
final class TraceTest {

  @Test
  void writesNothingDownWhilePaused() {
    Module module =
        new Module() {
          @Override
          protected Tensor forward(Tensor x) {
            try (Tracer.Pause paused = Tracer.pause()) {
              Ops.relu(x);
            }
            return Ops.tanh(x);
          }
        };
    try (Scope scope = Scope.open()) {
      Graph graph = Trace.of(module).graph(Ops.zeros(1, 2)).graph();
      assertThat(graph.nodes()).extracting(Node::op).containsExactly("Tanh");
    }
  }

  @Test
  void declaresTheOutputForAnyBatch() {
    assertThat(outputType(Trace.of(conv()), torch.randn(2, 3, 8, 8)))
        .isEqualTo("float[n, 4, 6, 6]");
  }

  @Test
  void declaresTheOutputAsTheExampleHasItWhereTheBatchIsFixed() {
    assertThat(outputType(Trace.of(conv()).fixedBatch(), torch.randn(2, 3, 8, 8)))
        .isEqualTo("float[2, 4, 6, 6]");
  }

  @Test
  void declaresElementTypeAndRankWhereSizesDoNotFollow() {
    Trace trace =
        Trace.of(
            new Module() {
              @Override
              protected Tensor forward(Tensor x) {
                return Ops.pad(x, 1, 1);
              }
            });
    assertThat(outputType(trace, torch.randn(2, 3))).isEqualTo("float[?, ?]");
  }

  private static Conv2d conv() {
    return Conv2d.builder(3, 4, 3).build();
  }

  private static String outputType(Trace trace, Tensor example) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Graph graph = trace.graph(example).graph();
      return String.valueOf(graph.outputs().get(0).type());
    }
  }
}
