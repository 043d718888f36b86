package dev.octet.torch.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.descriptor.RangeMethod;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.quantize.data.HostTensor;
import dev.octet.torch.LayerByLayer;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Flatten;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.flow.Calibration;
import dev.octet.torch.quant.flow.Quantizers;
import dev.octet.torch.quant.nn.QuantModules;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

/** Twins and their export agree in every layer, once biases are where integers put them. */
final class LayersOfTraceTest {

  private static final class Net extends Module {
    final Child<Conv2d> first = child("first", Conv2d.builder(3, 8, 3).padding(1).build());
    final Child<Activation> relu = child("relu", Activation.relu());
    final Child<Conv2d> deep =
        child("deep", Conv2d.builder(8, 8, 3).padding(1).groups(8).bias(false).build());
    final Child<BatchNorm2d> norm = child("norm", BatchNorm2d.builder(8).build());
    final Child<Activation> clip = child("clip", Activation.relu6());
    final Child<Conv2d> point = child("point", Conv2d.builder(8, 8, 1).build());
    final Child<Add> add = child("add", Add.of());
    final Child<MaxPool2d> pool = child("pool", MaxPool2d.builder(4).build());
    final Child<AdaptiveAvgPool2d> mean = child("mean", AdaptiveAvgPool2d.of(1));
    final Child<Flatten> flat = child("flat", new Flatten());
    final Child<Linear> hidden = child("hidden", Linear.builder(8, 5).build());
    final Child<Linear> last = child("last", Linear.builder(5, 4).build());

    @Override
    protected Tensor forward(Tensor x) {
      Tensor r = relu.call(first.call(x));
      Tensor k = clip.call(norm.call(deep.call(r)));
      Tensor a = add.call(point.call(k), r);
      return last.call(hidden.call(flat.call(mean.call(pool.call(a)))));
    }
  }

  private static Net calibrated(Tensor x) {
    Net net;
    try (QuantModules quantized = QuantModules.initialize()) {
      net = new Net();
    }
    Map<String, Tensor> state = net.stateDict();
    for (String name : List.of("norm.weight", "norm.bias", "norm.running_mean")) {
      state.get(name).add_(torch.randn(8).mul(new Scalar(0.3)));
    }
    net.eval();
    Calibration.collect(net, () -> net.call(x));
    Calibration.loadAmax(net, new RangeMethod.MinMax());
    return net;
  }

  @Test
  void everyActivationIsWithinOneQuantumOfTheRuntimes() {
    Torch.seed(7);
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open();
        Net net = calibrated(torch.randn(16, 3, 12, 12))) {
      Tensor x = torch.randn(16, 3, 12, 12);
      Trace trace = Trace.of(net).input("x").output("y");
      trace.roundBiases(x);
      Model export = trace.quantized(x);
      HostTensor host = HostTensor.ofFloats(new int[] {16, 3, 12, 12}, Tensors.toFloats(x));
      try (LayerByLayer layers = new LayerByLayer(export, Map.of("x", host))) {
        Quantizers.select(net, "*input_quantizer*")
            .forEach((path, each) -> layers.watch(each, List.of(path + "/QuantizeLinear")));
        net.call(x);
        layers.assertWithinOneQuantum();
      }
    }
  }

  @Test
  void biasesAreRoundedOnceAndOnlyWhereTheOutputIsQuantized() {
    Torch.seed(7);
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open();
        Net net = calibrated(torch.randn(4, 3, 12, 12))) {
      Tensor x = torch.randn(2, 3, 12, 12);
      Model before = Trace.of(net).quantized(x);
      float[] last = Tensors.toFloats(net.stateDict().get("last.bias"));
      float[] norm = Tensors.toFloats(net.stateDict().get("norm.bias"));
      Trace.of(net).roundBiases(x);
      assertThat(Tensors.toFloats(net.stateDict().get("last.bias"))).containsExactly(last);
      assertThat(Tensors.toFloats(net.stateDict().get("norm.bias"))).isNotEqualTo(norm);

      Model after = Trace.of(net).quantized(x);
      assertThat(biases(before)).hasSize(4);
      assertThat(biases(after)).isEqualTo(biases(before));
    }
  }

  private static List<dev.octet.graph.Tensor> biases(Model model) {
    return model.graph().nodes().stream()
        .filter(node -> node.is("DequantizeLinear"))
        .map(node -> node.input(0).constant())
        .filter(codes -> codes != null && codes.type() == DataType.INT32)
        .toList();
  }
}
