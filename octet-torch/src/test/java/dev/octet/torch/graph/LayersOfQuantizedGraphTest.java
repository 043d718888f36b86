package dev.octet.torch.graph;

import static dev.octet.torch.graph.Nets.net;

import dev.octet.core.range.Range;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.quantize.data.HostTensor;
import dev.octet.torch.LayerByLayer;
import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.graph.QuantizedGraph.BatchNorms;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Fake quantization and integers agree in every layer, not only at the end. */
final class LayersOfQuantizedGraphTest {

  /**
   * Convolutions, one of them depthwise, what went in added; pools; layers of products. Means are
   * of nine numbers, which has no ties.
   */
  private static Model small() {
    return net()
        .input("x", -1, 3, 10, 10)
        .weight("first.weight", 8, 3, 3, 3)
        .weight("first.bias", 8)
        .weight("deep.weight", 8, 1, 3, 3)
        .positive("bn.weight", 8)
        .weight("bn.bias", 8)
        .weight("bn.running_mean", 8)
        .positive("bn.running_var", 8)
        .weight("point.weight", 8, 8, 1, 1)
        .weight("point.bias", 8)
        .weight("fc.weight", 5, 8)
        .weight("fc.bias", 5)
        .weight("last.weight", 4, 5)
        .weight("last.bias", 4)
        .scalar("zero", 0)
        .scalar("six", 6)
        .node("Conv", "c", "x,first.weight,first.bias", "pads", new long[] {1, 1, 1, 1})
        .node("Relu", "r", "c")
        .node("Conv", "d", "r,deep.weight", "pads", new long[] {1, 1, 1, 1}, "group", 8)
        .node("BatchNormalization", "n", "d,bn.weight,bn.bias,bn.running_mean,bn.running_var")
        .node("Clip", "k", "n,zero,six")
        .node("Conv", "p", "k,point.weight,point.bias")
        .node("Add", "a", "p,r")
        .node("MaxPool", "m", "a", "kernel_shape", new long[] {2, 2}, "strides", new long[] {2, 2})
        .node(
            "AveragePool",
            "v",
            "m",
            "kernel_shape",
            new long[] {3, 3},
            "strides",
            new long[] {1, 1})
        .node("GlobalAveragePool", "g", "v")
        .node("Flatten", "f", "g")
        .node("Gemm", "h", "f,fc.weight,fc.bias", "transB", 1)
        .node("Relu", "s", "h")
        .node("Gemm", "y", "s,last.weight,last.bias", "transB", 1)
        .returns(15, "y");
  }

  @ParameterizedTest
  @CsvSource({
    "int8, FOLDED",
    "int8, SIMULATED",
    "w4a8, FOLDED",
    "w4a8-channel, FOLDED",
    "w4a8-channel, SIMULATED"
  })
  void everyActivationIsWithinOneQuantumOfTheRuntimes(String recipe, BatchNorms norms) {
    try (QuantizedGraph net = QuantizedGraph.of(small(), Recipe.preset(recipe), norms);
        Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      net.activationQuantizers().values().forEach(q -> q.setRanges(List.of(new Range(-4, 9))));
      net.eval();
      Model export = net.toQuantizedModel();
      Map<String, HostTensor> inputs = OrtAgreement.inputs(export, 16);
      try (LayerByLayer layers = new LayerByLayer(export, inputs)) {
        net.activationQuantizers()
            .forEach(
                (name, quantizer) ->
                    layers.watch(quantizer, LayerByLayer.resultsWithScale(export, name + "_s")));
        net.run(OrtAgreement.tensors(inputs));
        layers.assertWithinOneQuantum();
      }
    }
  }
}
