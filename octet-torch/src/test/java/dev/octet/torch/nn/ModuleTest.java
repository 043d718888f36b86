package dev.octet.torch.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.graph.Graph;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.op.Tracer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

final class ModuleTest {
  /** x·w + b. */
  private static final class Affine extends Module {
    private final Tensor weight;
    private final Tensor shift = buffer("shift", Tensors.of(new float[] {10, 20}, 2));

    Affine(float... weights) {
      weight = parameter("weight", Tensors.of(weights, 2, 2));
    }

    @Override
    protected Tensor forward(Tensor x) {
      return Ops.add(Ops.matmul(x, weight), shift);
    }
  }

  private static final class Net extends Module {
    final Child<Module> first = child("first", new Affine(1, 0, 0, 1));
    final Child<Module> second = child("second", new Affine(2, 0, 0, 2));

    @Override
    protected Tensor forward(Tensor x) {
      return second.call(Ops.relu(first.call(x)));
    }
  }

  private static final class Escaping extends Module {
    @Override
    protected Tensor forward(Tensor x) {
      return Ops.add(x, Tensors.scalar(1));
    }
  }

  @Test
  void computesThroughChildrenAndFreesTemporaries() {
    try (Net net = new Net();
        Scope scope = Scope.open()) {
      Tensor y = net.call(Tensors.of(new float[] {-20, 1}, 1, 2));
      assertThat(Tensors.toFloats(y)).containsExactly(10, 62);
    }
  }

  @Test
  void namesStateAsPyTorchDoes() {
    try (Net net = new Net()) {
      assertThat(net.stateDict().keySet())
          .containsExactly("first.weight", "first.shift", "second.weight", "second.shift");
      assertThat(net.parameters().keySet()).containsExactly("first.weight", "second.weight");
      assertThat(net.modules().keySet()).containsExactly("", "first", "second");
    }
  }

  @Test
  void replacesAModuleAndGivesTheOldOneBack() {
    try (Net net = new Net();
        Scope scope = Scope.open()) {
      Module old = net.replace("second", new Affine(0, 0, 0, 0));
      Tensor y = net.call(Tensors.of(new float[] {1, 1}, 1, 2));
      assertThat(Tensors.toFloats(y)).containsExactly(10, 20);
      old.close();
      assertThatThrownBy(() -> net.replace("third.fourth", new Affine(0, 0, 0, 0)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("third");
    }
  }

  @Test
  void hooksSeeAndExchangeWhatPasses() {
    try (Net net = new Net();
        Scope scope = Scope.open()) {
      List<String> seen = new ArrayList<>();
      Module first = net.get("first");
      var before =
          first.beforeForward(
              (module, inputs) -> {
                seen.add(Tensors.describe(inputs[0]));
                return inputs;
              });
      var after = first.afterForward((module, inputs, output) -> output.neg());
      Tensor x = Tensors.of(new float[] {1, 1}, 1, 2);
      assertThat(Tensors.toFloats(net.call(x))).containsExactly(10, 20);
      before.close();
      after.close();
      assertThat(Tensors.toFloats(net.call(x))).containsExactly(32, 62);
      assertThat(seen).containsExactly("Float[1, 2]");
    }
  }

  @Test
  void namesTheModuleThatCannotCompute() {
    try (Net net = new Net();
        Scope scope = Scope.open()) {
      assertThatThrownBy(() -> net.call(Tensors.of(new float[] {1, 1, 1}, 1, 3)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("'first'")
          .hasMessageContaining("Float[1, 3]");
      Tensor closed = Tensors.scalar(1);
      closed.close();
      assertThatThrownBy(() -> net.call(closed))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("closed");
    }
  }

  @Test
  void refusesUseAfterClose() {
    Net net = new Net();
    net.close();
    net.close();
    try (Scope scope = Scope.open()) {
      assertThatThrownBy(() -> net.call(Tensors.scalar(1)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
  }

  @Test
  void loadsAllOrNothing() {
    try (Net net = new Net();
        Net other = new Net();
        Scope scope = Scope.open()) {
      Map<String, Tensor> state = new java.util.LinkedHashMap<>(other.stateDict());
      state.put("first.weight", Tensors.of(new float[] {9, 9, 9, 9}, 2, 2));
      state.put("second.weight", Tensors.of(new float[] {9}, 1));
      assertThatThrownBy(() -> net.loadStateDict(state, true))
          .hasMessageContaining("second.weight is Float[1], not Float[2, 2]");
      assertThat(Tensors.toFloats(net.stateDict().get("first.weight"))).containsExactly(1, 0, 0, 1);
      state.remove("second.weight");
      assertThatThrownBy(() -> net.loadStateDict(state, true))
          .hasMessageContaining("missing [second.weight]");
      assertThat(net.loadStateDict(state, false).missing()).containsExactly("second.weight");
      assertThat(Tensors.toFloats(net.stateDict().get("first.weight"))).containsExactly(9, 9, 9, 9);
    }
  }

  @Test
  void tracesOperationsWithModuleNames() {
    Graph graph = new Graph("net");
    try (Net net = new Net();
        Scope scope = Scope.open()) {
      Tensor x = Tensors.of(new float[] {1, 1}, 1, 2);
      try (Tracer tracer =
          Tracer.start(graph, net.stateDict(), 17, CallStack::path, CallStack::place)) {
        tracer.bind(x, graph.addValue("x", null));
        Tensor y = net.call(x);
        assertThat(tracer.value(y, "the output").name()).isEqualTo("second/Add");
      }
    }
    assertThat(graph.nodes())
        .extracting(node -> node.name() + ":" + node.op())
        .containsExactly(
            "first/MatMul:MatMul",
            "first/Add:Add",
            "Relu:Relu",
            "second/MatMul:MatMul",
            "second/Add:Add");
    assertThat(graph.value("first.weight")).isNotNull();
  }

  @Test
  void namesThePlaceOfATensorThatATraceCannotFollow() {
    Graph graph = new Graph("net");
    try (Escaping net = new Escaping();
        Scope scope = Scope.open();
        Tracer tracer =
            Tracer.start(graph, net.stateDict(), 17, CallStack::path, CallStack::place)) {
      Tensor x = Tensors.scalar(1);
      tracer.bind(x, graph.addValue("x", null));
      assertThatThrownBy(() -> net.call(x))
          .hasRootCauseInstanceOf(TraceException.class)
          .hasMessageContaining("second operand of Add")
          .hasMessageContaining("Escaping");
    }
  }

  @Test
  void childrenFromOutsideBelongToTheTreeUntilTheyAreTakenAway() {
    try (Module linear = Linear.builder(2, 2).build()) {
      Module norm = BatchNorm1d.builder(2).build();
      linear.attach("norm", norm);
      assertThat(linear.stateDict()).containsKeys("weight", "norm.running_mean");
      assertThatThrownBy(() -> linear.attach("weight", new Identity()))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(linear.detach("norm")).isSameAs(norm);
      assertThat(linear.stateDict()).doesNotContainKey("norm.running_mean");
      assertThatThrownBy(() -> linear.detach("norm"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'norm'");
      norm.close();
    }
  }

  @Test
  void hooksThatWereTakenOverCanStillBeTakenAway() {
    Module first = new Identity();
    Module last = new Identity();
    Module stands = new Identity();
    List<String> calls = new ArrayList<>();
    Module.Hook before =
        first.beforeForward(
            (module, inputs) -> {
              calls.add("before");
              return inputs;
            });
    Module.Hook after =
        last.afterForward(
            (module, inputs, output) -> {
              calls.add("after");
              return output;
            });
    stands.takeHooks(first, last);
    try (Scope scope = Scope.open()) {
      Tensor x = Tensors.scalar(1);
      first.call(x);
      last.call(x);
      assertThat(calls).isEmpty();
      stands.call(x);
      assertThat(calls).containsExactly("before", "after");
      before.close();
      after.close();
      stands.call(x);
      assertThat(calls).hasSize(2);
    }
  }
}
