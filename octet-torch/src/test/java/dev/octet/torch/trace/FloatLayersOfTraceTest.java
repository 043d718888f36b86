package dev.octet.torch.trace;

import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.graph.Model;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.EngineRunner;
import dev.octet.quantize.run.GraphRunner;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.torch.LayerByLayer;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.Flatten;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.TensorQuantizer;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers whose weights stay float stay float in every runtime, whatever stands around them. */
final class FloatLayersOfTraceTest {

  private static final class Net extends Module {
    final Child<TensorQuantizer> q0 = child("q0", quantizer(4));
    final Child<Conv2d> conv;
    final Child<BatchNorm2d> norm = child("norm", BatchNorm2d.builder(4).build());
    final Child<Activation> relu = child("relu", Activation.relu6());
    final Child<TensorQuantizer> q1 = child("q1", quantizer(2));
    final Child<MaxPool2d> pool = child("pool", MaxPool2d.builder(2).build());
    final Child<ConvTranspose2d> turned;
    final Child<TensorQuantizer> q2 = child("q2", quantizer(2));
    final Child<Flatten> flat = child("flat", new Flatten());
    final Child<Linear> linear;
    final Child<TensorQuantizer> q3 = child("q3", quantizer(4));

    Net(boolean bias) {
      conv = child("conv", Conv2d.builder(3, 4, 3).bias(bias).build());
      turned = child("turned", ConvTranspose2d.builder(4, 4, 2).bias(bias).build());
      linear = child("linear", Linear.builder(4 * 4 * 4, 6).bias(bias).build());
    }

    private static TensorQuantizer quantizer(float amax) {
      return new TensorQuantizer(
          QuantDescriptor.builder().fixedRange(Range.symmetric(amax)).build());
    }

    @Override
    protected Tensor forward(Tensor x) {
      Tensor y = q1.call(relu.call(norm.call(conv.call(q0.call(x)))));
      y = q2.call(turned.call(pool.call(y)));
      return q3.call(linear.call(flat.call(y)));
    }
  }

  /** One weight far larger than the others, so that integers for all of them drown those. */
  private static Net net(boolean bias) {
    Torch.seed(3);
    Net net = new Net(bias);
    for (String name : List.of("conv.weight", "turned.weight", "linear.weight")) {
      Tensor weight = net.stateDict().get(name);
      weight.mul_(new Scalar(2.0));
      weight.flatten().select(0, 0).fill_(new Scalar(20.0));
    }
    net.eval();
    return net;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void computeTheSameInEveryRuntime(boolean bias) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open();
        Net net = net(bias)) {
      Tensor x = torch.randn(8, 3, 8, 8);
      Model export = Trace.of(net).input("x").output("y").quantized(x);
      assertAgrees(net, x, export, seen -> OnnxRuntimeRunner.open(export, seen));
      assertAgrees(net, x, export, seen -> EngineRunner.open(export, seen, 1));
    }
  }

  private static void assertAgrees(
      Net net, Tensor x, Model export, Function<List<String>, GraphRunner> open) {
    HostTensor host = HostTensor.ofFloats(new int[] {8, 3, 8, 8}, Tensors.toFloats(x));
    try (LayerByLayer layers = new LayerByLayer(export, Map.of("x", host), open)) {
      net.modules()
          .forEach(
              (path, module) -> {
                if (module instanceof TensorQuantizer quantizer) {
                  layers.watch(quantizer, LayerByLayer.resultsOf(export, path));
                }
              });
      net.call(x);
      layers.assertWithinOneQuantum();
    }
  }
}
