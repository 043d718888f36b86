package dev.octet.workflows.distiller;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.EngineRunner;
import dev.octet.quantize.run.GraphRunner;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.models.ResNet;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.Add;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Concat;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Identity;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MatMul;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.Mul;
import dev.octet.torch.nn.Sequential;
import dev.octet.torch.op.Ops;
import dev.octet.workflows.distiller.stats.ModelStats;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a prepared model simulates, against real integers in two runtimes. */
final class ConversionTest {
  @BeforeEach
  void seed() {
    Torch.seed(11);
  }

  private static float[] run(GraphRunner runner, Model model, Tensor... inputs) {
    HostTensor[] result = new HostTensor[1];
    Map<String, HostTensor> fed = new java.util.LinkedHashMap<>();
    int i = 0;
    for (var value : model.graph().inputs()) {
      Tensor x = inputs[i++];
      int[] shape = Arrays.stream(Tensors.shape(x)).mapToInt(Math::toIntExact).toArray();
      fed.put(
          value.name(),
          x.is_floating_point()
              ? HostTensor.ofFloats(shape, Tensors.toFloats(x))
              : HostTensor.ofLongs(shape, Tensors.toLongs(x)));
    }
    runner.run(fed, (name, value) -> result[0] = value);
    return result[0].toFloats();
  }

  /** Largest distance in steps of the last layer's output, in both runtimes. */
  static void assertAgrees(
      PostTrainLinearQuantizer quantizer, String last, int steps, Tensor... inputs) {
    Module model = quantizer.model();
    model.eval();
    float[] simulated = Tensors.toFloats(model.call(inputs));
    Model converted = quantizer.convert(inputs);
    float scale = quantizer.namedLinearQuantParams().get(last + ".output_scale")[0];
    List<String> outputs = List.of(converted.graph().outputs().get(0).name());
    try (OnnxRuntimeRunner ort = OnnxRuntimeRunner.open(converted.copy(), outputs, 1)) {
      assertSteps(run(ort, converted, inputs), simulated, scale, steps);
    }
    try (EngineRunner engine = EngineRunner.open(converted.copy(), outputs, 1)) {
      assertSteps(run(engine, converted, inputs), simulated, scale, steps);
    }
  }

  private static void assertSteps(float[] actual, float[] simulated, float scale, int steps) {
    assertThat(actual).hasSameSizeAs(simulated);
    for (int i = 0; i < actual.length; i++) {
      double distance = Math.abs(actual[i] - simulated[i]) * scale;
      assertThat(distance).as("element %d", i).isLessThan(steps + 0.01);
    }
  }

  private static PostTrainLinearQuantizer prepared(
      Module model, LinearQuantMode mode, boolean perChannel, Tensor... x) {
    ModelStats stats = Observed.stats(model, x);
    PostTrainLinearQuantizer quantizer =
        PostTrainLinearQuantizer.builder(model)
            .mode(mode)
            .perChannelWts(perChannel)
            .modelActivationStats(stats)
            .build();
    quantizer.prepareModel(x);
    return quantizer;
  }

  @ParameterizedTest
  @EnumSource(LinearQuantMode.class)
  void aLayerIsWithinOneStep(LinearQuantMode mode) {
    for (boolean perChannel : new boolean[] {false, true}) {
      try (Scope scope = Scope.open();
          Module model =
              new Sequential(
                  Conv2d.builder(3, 8, 3).padding(1).bias(false).build(),
                  BatchNorm2d.builder(8).build(),
                  Activation.relu())) {
        Tensor x = torch.randn(2, 3, 8, 8);
        PostTrainLinearQuantizer quantizer = prepared(model, mode, perChannel, x);
        assertAgrees(quantizer, "0", 1, x);
      }
    }
  }

  /** Every kind of operation once. */
  private static final class Mixed extends Module {
    private final Child<Module> a = child("a", Linear.builder(8, 8).build());
    private final Child<Module> b = child("b", Linear.builder(8, 8).build());
    private final Child<Module> add = child("add", Add.of());
    private final Child<Module> mul = child("mul", Mul.of());
    private final Child<Module> concat = child("concat", Concat.of(1));
    private final Child<Module> product = child("product", MatMul.of());
    private final Child<Module> tanh = child("tanh", Activation.tanh());

    @Override
    protected Tensor forward(Tensor x) {
      Tensor p = a.call(x);
      Tensor q = b.call(x);
      Tensor sum = add.call(p, q);
      Tensor times = mul.call(p, q);
      Tensor joined = concat.call(sum, times);
      return tanh.call(product.call(Ops.transpose(joined, 0, 1), joined));
    }
  }

  @ParameterizedTest
  @EnumSource(LinearQuantMode.class)
  void operationsStayTogether(LinearQuantMode mode) {
    try (Scope scope = Scope.open();
        Module model = new Mixed()) {
      Tensor x = torch.randn(6, 8);
      // Steps of inner sums reach the output through a product of eight of them.
      assertAgrees(prepared(model, mode, false, x), "tanh", 12, x);
    }
  }

  @Test
  void aSumIsWithinOneStep() {
    final class Sum extends Module {
      private final Child<Module> relu = child("relu", Activation.relu());
      private final Child<Module> tanh = child("tanh", Activation.tanh());
      private final Child<Module> add = child("add", Add.of());

      @Override
      protected Tensor forward(Tensor x) {
        return add.call(relu.call(x), tanh.call(x));
      }
    }
    try (Scope scope = Scope.open();
        Module model = new Sum()) {
      Tensor x = torch.randn(40, 8);
      PostTrainLinearQuantizer quantizer =
          prepared(model, LinearQuantMode.ASYMMETRIC_UNSIGNED, false, x);
      assertAgrees(quantizer, "add", 1, x);
    }
  }

  @Test
  void weightsAndTablesAreIntegers() {
    try (Scope scope = Scope.open();
        Module model =
            new Sequential(Embedding.builder(40, 16).build(), Linear.builder(16, 4).build())) {
      Tensor ids = Tensors.of(new long[] {1, 2, 39, 4}, 2, 2);
      PostTrainLinearQuantizer quantizer = prepared(model, LinearQuantMode.SYMMETRIC, true, ids);
      assertAgrees(quantizer, "1", 1, ids);
      Model converted = quantizer.convert(ids);
      long floats =
          converted.graph().values().stream()
              .filter(value -> value.initializer() != null)
              .filter(value -> value.initializer().type() == DataType.FLOAT)
              .mapToLong(value -> value.initializer().elementCount())
              .max()
              .orElse(0);
      // Scales alone are float: of four channels at most.
      assertThat(floats).isLessThanOrEqualTo(4);
    }
  }

  @Test
  void networksRunAsIntegers() {
    try (Scope scope = Scope.open();
        Module model = PostTrainLinearQuantizerTest.net()) {
      Tensor x = torch.randn(3, 1, 6, 6);
      PostTrainLinearQuantizer quantizer =
          prepared(model, LinearQuantMode.ASYMMETRIC_UNSIGNED, true, x);
      assertAgrees(quantizer, "4", 2, x);
      Model converted = quantizer.convert(x);
      assertThat(converted.graph().nodes().stream().map(Node::op))
          .contains("Conv", "QuantizeLinear", "DequantizeLinear")
          .doesNotContain("BatchNormalization");
    }
  }

  @Test
  void residualNetworksRunAsIntegers() {
    try (Scope scope = Scope.open();
        Module model = ResNet.cifar20(10)) {
      Tensor x = torch.randn(4, 3, 16, 16);
      PostTrainLinearQuantizer quantizer =
          prepared(model, LinearQuantMode.ASYMMETRIC_UNSIGNED, true, x);
      assertThat(quantizer.warnings()).isEmpty();
      // The rectifier of a block runs twice, and is part of the convolution and of the sum.
      assertThat(model.get("layer1.0.relu")).isInstanceOf(Identity.class);
      assertThat(model.get("layer1.0.bn1")).isInstanceOf(Identity.class);
      Model converted = quantizer.convert(x);
      assertThat(converted.graph().nodes().stream().map(Node::op))
          .doesNotContain("BatchNormalization");
      assertAgrees(quantizer, "fc", 16, x);
    }
  }

  @Test
  void fewerBitsAreKept() {
    try (Scope scope = Scope.open();
        Module model = new Sequential(Linear.builder(8, 8).build())) {
      Tensor x = torch.randn(20, 8);
      PostTrainLinearQuantizer quantizer =
          Observed.prepared(
              PostTrainLinearQuantizer.builder(model).bitsActivations(5).bitsParameters(4),
              model,
              x);
      assertAgrees(quantizer, "0", 1, x);
    }
  }
}
