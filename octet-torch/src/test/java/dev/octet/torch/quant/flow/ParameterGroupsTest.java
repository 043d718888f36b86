package dev.octet.torch.quant.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.quant.TensorQuantizer;
import dev.octet.torch.quant.flow.ParameterGroups.Choice;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ParameterGroupsTest {
  private static SmallNet learning() {
    SmallNet net = SmallNet.quantized();
    TensorQuantizer quantizer = (TensorQuantizer) net.get("head.3._input_quantizer");
    quantizer.amax(1);
    quantizer.learnScale();
    return net;
  }

  @Test
  void putsEachParameterIntoOneGroup() {
    try (SmallNet net = learning()) {
      ParameterGroups groups = ParameterGroups.of(net, "*.bias", "head.*");
      assertThat(groups.groups())
          .extracting(ParameterGroups.Group::name)
          .containsExactly("*.bias", "head.*", ParameterGroups.REST, ParameterGroups.QUANTIZERS);
      assertThat(groups.group("head.*").parameters().keySet()).containsExactly("head.3.weight");
      assertThat(groups.group(ParameterGroups.QUANTIZERS).parameters().keySet())
          .containsExactly("head.3._input_quantizer._scale");
      List<String> all = new ArrayList<>();
      groups.groups().forEach(group -> all.addAll(group.parameters().keySet()));
      assertThat(all).containsExactlyInAnyOrderElementsOf(net.parameters().keySet());
      assertThatThrownBy(() -> groups.group("tail")).hasMessageContaining("tail");
    }
  }

  @Test
  void refusesChoicesThatNameNothingOrNoNumber() {
    try (SmallNet net = SmallNet.plain()) {
      assertThatThrownBy(() -> ParameterGroups.of(net, "*.bias", "head.3.bias"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'head.3.bias'");
      assertThatThrownBy(() -> Choice.of("*").learningRate(-1)).hasMessageContaining("-1");
      assertThatThrownBy(() -> Choice.of("*").weightDecay(Double.NaN)).hasMessageContaining("NaN");
      assertThat(ParameterGroups.of(net).groups()).hasSize(1);
    }
  }

  @Test
  void tellsTheOptimizerWhatEachGroupChose() {
    try (SmallNet net = learning()) {
      List<ParameterGroup> groups =
          ParameterGroups.of(
                  net,
                  List.of(
                      Choice.of("*.bias").weightDecay(0).momentum(0.5),
                      Choice.of("head.*").learningRate(0),
                      Choice.of(ParameterGroups.QUANTIZERS).learningRate(0.01).weightDecay(0.25)))
              .forOptimizer(0.1, 0.5);
      assertThat(groups)
          .extracting(ParameterGroup::learningRate)
          .containsExactly(0.1, 0.0, 0.1, 0.01);
      assertThat(groups)
          .extracting(ParameterGroup::weightDecay)
          .containsExactly(0.0, 0.5, 0.5, 0.25);
      assertThat(groups.get(0).momentum()).hasValue(0.5);
      assertThat(groups.get(1).momentum()).isEmpty();
      assertThat(ParameterGroups.of(net).forOptimizer(0.1, 0.5).get(1).weightDecay()).isZero();
      assertThatThrownBy(() -> Optimizer.adamW(groups, 0.9, 0.99)).hasMessageContaining("momentum");
    }
  }

  @Test
  void trainsGroupsAsTheyChose() {
    try (SmallNet net = learning();
        Optimizer optimizer =
            Optimizer.sgd(
                ParameterGroups.of(
                        net,
                        List.of(
                            Choice.of("head.*").learningRate(0),
                            Choice.of("features.3.*").momentum(0)))
                    .forOptimizer(0.1, 0),
                0.9,
                false);
        Scope scope = Scope.open()) {
      String still = "head.3.weight";
      String steady = "features.3.bias";
      String moving = "features.1.bias";
      float[] before = Tensors.toFloats(net.parameters().get(still));
      float[][] steadily = new float[3][];
      float[][] faster = new float[3][];
      for (int step = 0; step < 3; step++) {
        steadily[step] = Tensors.toFloats(net.parameters().get(steady));
        faster[step] = Tensors.toFloats(net.parameters().get(moving));
        optimizer.zeroGrad();
        // The gradient of a sum is 1 for each element.
        net.parameters()
            .get(still)
            .sum()
            .add(net.parameters().get(steady).sum())
            .add(net.parameters().get(moving).sum())
            .backward();
        optimizer.step();
      }
      assertThat(Tensors.toFloats(net.parameters().get(still))).isEqualTo(before);
      assertThat(steadily[0][0] - steadily[1][0]).isCloseTo(0.1f, within());
      assertThat(steadily[1][0] - steadily[2][0]).isCloseTo(0.1f, within());
      assertThat(faster[0][0] - faster[1][0]).isCloseTo(0.1f, within());
      assertThat(faster[1][0] - faster[2][0]).isCloseTo(0.19f, within());
    }
  }

  private static org.assertj.core.data.Offset<Float> within() {
    return org.assertj.core.data.Offset.offset(1e-5f);
  }
}
