package dev.octet.torch.graph;

import static dev.octet.torch.graph.Nets.net;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.quantize.QuantizationSteps;
import dev.octet.quantize.place.Placement;
import dev.octet.quantize.place.Placement.Group;
import dev.octet.quantize.place.Placement.WeightSite;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ObservedGraphTest {
  /** Counts what passes, and multiplies it. */
  private static final class Gain extends Module {
    private final double factor;
    private int calls;

    Gain(double factor) {
      this.factor = factor;
    }

    @Override
    protected Tensor forward(Tensor x) {
      calls++;
      return x.mul(new Scalar(factor));
    }
  }

  /** Where the default recipe rounds; weights are halved, or left alone. */
  private record Gains(boolean weights) implements GraphPlacement<Module> {
    @Override
    public Placement place(Model folded) {
      return QuantizationSteps.place(folded, Recipe.int8());
    }

    @Override
    public Module activation(Group group) {
      return new Gain(1);
    }

    @Override
    public Module weight(WeightSite site) {
      return weights ? new Gain(0.5) : null;
    }
  }

  private static final class Graph extends ObservedGraph {
    Graph(Model model, Gains gains) {
      super(model, gains);
    }

    Model folded() {
      return foldedModel();
    }
  }

  private static Graph graph(boolean weights) {
    Model model =
        net()
            .input("x", -1, 2, 6, 6)
            .weight("conv.weight", 3, 2, 3, 3)
            .positive("bn.weight", 3)
            .weight("bn.bias", 3)
            .weight("bn.running_mean", 3)
            .positive("bn.running_var", 3)
            .weight("last.weight", 4, 3, 1, 1)
            .node("Conv", "c", "x,conv.weight")
            .node("BatchNormalization", "n", "c,bn.weight,bn.bias,bn.running_mean,bn.running_var")
            .node("Relu", "r", "n")
            .node("Conv", "y", "r,last.weight")
            .returns(17, "y");
    try (Scope scope = Scope.open()) {
      Graph graph =
          new Graph(QuantizationSteps.prepare(model, Recipe.int8(), false), new Gains(weights));
      graph.eval();
      return graph;
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void modulesStandWhereThePlacementSays(boolean weights) {
    try (Graph graph = graph(weights);
        Scope scope = Scope.open()) {
      Tensor x = torch.randn(2, 2, 6, 6);
      graph.call(x);
      assertThat(graph.activationModules()).containsOnlyKeys("x", "r");
      assertThat(graph.weightModules()).hasSize(weights ? 2 : 0);
      graph
          .activationModules()
          .values()
          .forEach(module -> assertThat(((Gain) module).calls).isEqualTo(1));
      graph.weightModules().values().forEach(m -> assertThat(((Gain) m).calls).isEqualTo(1));
      assertThat(graph.stateDict()).containsKey("bn.running_var");
    }
  }

  /** Half of the folded weights, with the whole of the folded bias. */
  @Test
  void weightsPassAsTheyWillBeOnceFolded() {
    try (Graph whole = graph(false);
        Graph half = graph(true);
        Scope scope = Scope.open()) {
      Tensor x = torch.randn(2, 2, 6, 6);
      Model folded = half.folded();
      assertThat(folded.graph().nodes()).noneMatch(node -> node.is("BatchNormalization"));
      try (TorchGraph plain = TorchGraph.of(folded)) {
        plain.eval();
        assertThat(Tensors.toFloats(plain.call(x)))
            .containsExactly(
                Tensors.toFloats(whole.call(x)), org.assertj.core.api.Assertions.within(1e-4f));
        Map<String, Tensor> state = plain.stateDict();
        for (Map.Entry<String, Tensor> each : state.entrySet()) {
          if (each.getValue().dim() == 4) {
            each.getValue().detach().mul_(new Scalar(0.5));
          }
        }
        assertThat(Tensors.toFloats(half.call(x)))
            .containsExactly(
                Tensors.toFloats(plain.call(x)), org.assertj.core.api.Assertions.within(1e-4f));
      }
    }
  }
}
