package dev.octet.torch.graph;

import static dev.octet.torch.graph.Nets.net;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octet.core.range.Range;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.quantize.data.HostTensor;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.graph.QuantizedGraph.BatchNorms;
import dev.octet.torch.op.Convolution;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class QuantizedGraphTest {

  private static Model small() {
    return net()
        .input("x", -1, 2, 6, 6)
        .weight("conv.weight", 3, 2, 3, 3)
        .positive("bn.weight", 3)
        .weight("bn.bias", 3)
        .weight("bn.running_mean", 3)
        .positive("bn.running_var", 3)
        .weight("fc.weight", 4, 3)
        .weight("fc.bias", 4)
        .node("Conv", "c", "x,conv.weight", "pads", new long[] {1, 1, 1, 1})
        .node("BatchNormalization", "n", "c,bn.weight,bn.bias,bn.running_mean,bn.running_var")
        .node("Relu", "r", "n")
        .node("GlobalAveragePool", "g", "r")
        .node("Flatten", "f", "g")
        .node("Gemm", "y", "f,fc.weight,fc.bias", "transB", 1)
        .returns(15, "y");
  }

  private static void setRanges(QuantizedGraph net) {
    net.activationQuantizers().values().forEach(q -> q.setRanges(List.of(new Range(-4, 4))));
  }

  @ParameterizedTest
  @EnumSource
  void trainsAndBecomesTheIntegerModelThatComputesTheSame(BatchNorms norms) {
    Torch.seed(1);
    try (QuantizedGraph net = QuantizedGraph.of(small(), Recipe.int8(), norms)) {
      assertThat(net.activationQuantizers()).isNotEmpty();
      assertThat(net.weightQuantizers()).hasSize(2);
      assertThat(net.parameters().containsKey("bn.weight"))
          .isEqualTo(norms == BatchNorms.SIMULATED);
      assertThatThrownBy(net::toQuantizedModel)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("not known");
      setRanges(net);
      double[] losses = train(net);
      assertThat(losses[1]).isLessThan(0.8 * losses[0]);
      net.eval();
      Model integers = net.toQuantizedModel();
      assertThat(integers.graph().nodes()).anyMatch(node -> node.is("QuantizeLinear"));
      assertThat(integers.graph().values()).filteredOn(value -> isCodes(value)).hasSize(2);
      Map<String, HostTensor> inputs = OrtAgreement.inputs(integers, 8);
      HostTensor expected = OrtAgreement.ort(integers, inputs).get("y");
      try (Scope scope = Scope.open()) {
        OrtAgreement.assertClose(
            "y", expected, net.run(OrtAgreement.tensors(inputs)).get("y"), 0.02);
      }
    }
  }

  /** Few products in a sum: there a bias that is rounded elsewhere moves many outputs. */
  @ParameterizedTest
  @ValueSource(strings = {"int8", "w4a8", "w4a8-channel"})
  void roundsBiasesJustAsTheIntegerModelDoes(String recipe) {
    Model model =
        net()
            .input("x", -1, 2, 6, 6)
            .weight("conv.weight", 3, 2, 1, 1)
            .weight("conv.bias", 3)
            .weight("last.weight", 4, 3, 1, 1)
            .weight("last.bias", 4)
            .node("Conv", "c", "x,conv.weight,conv.bias")
            .node("Relu", "r", "c")
            .node("Conv", "y", "r,last.weight,last.bias")
            .returns(15, "y");
    try (QuantizedGraph net = QuantizedGraph.of(model, Recipe.preset(recipe), BatchNorms.FOLDED);
        Scope scope = Scope.open()) {
      setRanges(net);
      net.eval();
      Model integers = net.toQuantizedModel();
      Map<String, HostTensor> inputs = OrtAgreement.inputs(integers, 8);
      OrtAgreement.assertClose(
          "y",
          OrtAgreement.ort(integers, inputs).get("y"),
          net.run(OrtAgreement.tensors(inputs)).get("y"),
          1e-5);
    }
  }

  private static boolean isCodes(Value value) {
    Tensor tensor = value.initializer();
    return tensor != null && tensor.type() == DataType.INT8 && tensor.rank() > 1;
  }

  private static double[] train(QuantizedGraph net) {
    double first;
    double last = 0;
    try (Scope scope = Scope.open()) {
      var x = torch.randn(16, 2, 6, 6);
      var labels = torch.randint(4, new long[] {16}).to(torch.ScalarType.Long);
      Adam adam =
          new Adam(
              new TensorVector(
                  net.parameters().values().toArray(new org.bytedeco.pytorch.Tensor[0])),
              new AdamOptions(0.05));
      first = torch.cross_entropy_loss(net.call(x), labels).item_double();
      for (int step = 0; step < 60; step++) {
        net.freezeStatistics(step > 40);
        try (Scope inner = Scope.open()) {
          adam.zero_grad();
          var loss = torch.cross_entropy_loss(net.call(x), labels);
          loss.backward();
          adam.step();
          last = loss.item_double();
        }
      }
    }
    return new double[] {first, last};
  }

  @Test
  void simulatedFoldingComputesWhatFoldingDoesOnceStatisticsAreFrozen() {
    Torch.seed(3);
    try (QuantizedGraph folded = QuantizedGraph.of(small(), Recipe.int8(), BatchNorms.FOLDED);
        QuantizedGraph simulated = QuantizedGraph.of(small(), Recipe.int8(), BatchNorms.SIMULATED);
        Scope scope = Scope.open()) {
      setRanges(folded);
      setRanges(simulated);
      simulated.freezeStatistics(true);
      var x = torch.randn(3, 2, 6, 6);
      float[] expected = Tensors.toFloats(folded.call(x));
      float[] mean = Tensors.toFloats(simulated.buffers().get("bn.running_mean"));
      assertThat(Tensors.toFloats(simulated.call(x)))
          .containsExactly(expected, org.assertj.core.api.Assertions.within(1e-5f));
      assertThat(Tensors.toFloats(simulated.buffers().get("bn.running_mean")))
          .containsExactly(mean);
      simulated.freezeStatistics(false);
      simulated.call(x);
      assertThat(Tensors.toFloats(simulated.buffers().get("bn.running_mean"))).isNotEqualTo(mean);
    }
  }

  @Test
  void estimatedStatisticsAreTheMeansOverBatches() {
    Torch.seed(4);
    try (TorchGraph net = TorchGraph.of(small());
        Scope scope = Scope.open()) {
      net.eval();
      var first = torch.randn(5, 2, 6, 6);
      var second = torch.randn(5, 2, 6, 6).add(new org.bytedeco.pytorch.Scalar(1.0));
      var conv = net.parameters().get("conv.weight");
      long[] ones = {1, 1};
      double[] mean = new double[(int) conv.size(0)];
      double[] variance = new double[mean.length];
      for (var batch : List.of(first, second)) {
        var c =
            Convolution.conv(batch, conv, null, ones, ones, ones, 1).transpose(0, 1).flatten(1, -1);
        for (int i = 0; i < mean.length; i++) {
          float[] row = Tensors.toFloats(c.select(0, i).contiguous());
          double m = 0;
          for (float v : row) {
            m += v / row.length;
          }
          double squares = 0;
          for (float v : row) {
            squares += (v - m) * (v - m);
          }
          mean[i] += m / 2;
          variance[i] += squares / (row.length - 1) / 2;
        }
      }
      net.estimateStatistics(
          () -> {
            net.call(first);
            net.call(second);
          });
      assertThat(net.isTraining()).isFalse();
      float[] means = Tensors.toFloats(net.buffers().get("bn.running_mean"));
      float[] variances = Tensors.toFloats(net.buffers().get("bn.running_var"));
      for (int i = 0; i < mean.length; i++) {
        assertThat((double) means[i]).isCloseTo(mean[i], within(1e-5));
        assertThat((double) variances[i]).isCloseTo(variance[i], within(1e-5));
      }
      net.freezeStatistics(true);
      assertThatThrownBy(() -> net.estimateStatistics(() -> {}))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("frozen");
    }
  }

  @Test
  void refusesRecipesWithoutRanges() {
    assertThatThrownBy(
            () -> QuantizedGraph.of(small(), Recipe.preset("dynamic-int8"), BatchNorms.FOLDED))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("DYNAMIC");
  }
}
