package dev.octet.torch.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.rules.Rules;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.EngineRunner;
import dev.octet.quantize.run.GraphRunner;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.torch.LayerByLayer;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.flow.Calibration;
import dev.octet.torch.quant.flow.Quantizers;
import dev.octet.torch.quant.nn.QuantModules;
import dev.octet.torch.trace.Trace;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What the networks are exported to computes the same on the engine and in ONNX Runtime, in float
 * and with all their layers quantized.
 */
final class ExportedModelsTest {
  private static final int CLASSES = 10;

  private static Module network(String name) {
    return switch (name) {
      case "resnet18" -> ResNet.resnet18(CLASSES);
      case "resnext101" -> ResNet.resnext101(CLASSES, 4, 4); // narrower than torchvision's two
      case "mobilenet_v2" -> MobileNetV2.builder(CLASSES).build();
      case "mobilenet_v3" -> MobileNetV3.large(CLASSES).build();
      case "googlenet" -> GoogLeNet.builder(CLASSES).transformInput(true).build();
      case "inception_v3" -> InceptionV3.builder(CLASSES).build();
      default -> ShuffleNetV2.x10(CLASSES);
    };
  }

  @ParameterizedTest
  @CsvSource({
    "resnet18, 64",
    "resnext101, 64",
    "mobilenet_v2, 64",
    "mobilenet_v3, 64",
    "googlenet, 64",
    "inception_v3, 75",
    "shufflenet_v2, 64"
  })
  void computesTheSameEverywhere(String name, int size) {
    Torch.seed(5);
    try (Module net = network(name);
        Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Formula.fill(net);
      net.eval();
      Tensor images = torch.randn(2, 3, size, size);
      HostTensor input = Images.host(images);
      float[] exact = Tensors.toFloats(net.call(images));
      Model real = Trace.of(net).graph(images);
      assertThat(sqnr(exact, ort(real, input))).isGreaterThan(90);
      assertThat(sqnr(exact, engine(real, input))).isGreaterThan(90);

      if (net instanceof GoogLeNet googLeNet) {
        googLeNet.dropAuxLogits();
      } else if (net instanceof InceptionV3 inception) {
        inception.dropAuxLogits();
      }
      QuantModules.replace(net, Rules.NONE);
      Calibration.collect(net, List.of(images));
      Calibration.loadAmax(net, new RangeMethod.MinMax());
      Trace trace = Trace.of(net);
      trace.roundBiases(images);
      Model integers = trace.quantized(images);
      assertThat(integers.graph().nodes())
          .filteredOn(node -> node.is("Conv") || node.is("Gemm") || node.is("MatMul"))
          .isNotEmpty()
          .allSatisfy(node -> assertThat(reads(node, 1)).isEqualTo("DequantizeLinear"));
      // Differences by one quantum grow until they are as large as quantization's own.
      float[] simulated = Tensors.toFloats(net.call(images));
      assertThat(sqnr(simulated, ort(integers, input))).isGreaterThan(12);
      assertThat(sqnr(simulated, engine(integers, input))).isGreaterThan(12);
      assertLayersAgree(net, images, integers, seen -> OnnxRuntimeRunner.open(integers, seen));
      assertLayersAgree(net, images, integers, seen -> EngineRunner.open(integers, seen, 1));
    }
  }

  private static void assertLayersAgree(
      Module net, Tensor images, Model integers, Function<List<String>, GraphRunner> open) {
    Map<String, HostTensor> inputs = Map.of("input", Images.host(images));
    try (LayerByLayer layers = new LayerByLayer(integers, inputs, open)) {
      Quantizers.select(net, "*input_quantizer*")
          .forEach((path, each) -> layers.watch(each, LayerByLayer.resultsOf(integers, path)));
      net.call(images);
      layers.assertWithinOneQuantum();
    }
  }

  private static String reads(Node node, int index) {
    Node producer = Objects.requireNonNull(node.input(index)).producer();
    return producer == null ? "" : producer.op();
  }

  private static float[] ort(Model model, HostTensor input) {
    return run(OnnxRuntimeRunner.open(model), input);
  }

  private static float[] engine(Model model, HostTensor input) {
    return run(EngineRunner.open(model, List.of("output"), 1), input);
  }

  private static float[] run(GraphRunner opened, HostTensor input) {
    AtomicReference<float[]> output = new AtomicReference<>(new float[0]);
    try (GraphRunner runner = opened) {
      runner.run(Map.of("input", input), (made, value) -> output.set(value.floats().clone()));
    }
    return output.get();
  }

  /** The signal's energy over that of the difference, in decibels. */
  private static double sqnr(float[] wanted, float[] made) {
    assertThat(made).hasSameSizeAs(wanted);
    double signal = 0;
    double noise = 0;
    for (int i = 0; i < wanted.length; i++) {
      signal += (double) wanted[i] * wanted[i];
      noise += Math.pow((double) made[i] - wanted[i], 2);
    }
    return 10 * Math.log10(signal / noise);
  }
}
