package dev.octet.workflows.pytorch.quantized;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.core.range.WeightRanges;
import dev.octet.engine.Explanation;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.BatchNorm3d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv1d;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Conv3d;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.ConvTranspose1d;
import dev.octet.torch.nn.ConvTranspose2d;
import dev.octet.torch.nn.ConvTranspose3d;
import dev.octet.torch.nn.Flatten;
import dev.octet.torch.nn.GroupNorm;
import dev.octet.torch.nn.InstanceNorm1d;
import dev.octet.torch.nn.InstanceNorm2d;
import dev.octet.torch.nn.InstanceNorm3d;
import dev.octet.torch.nn.LayerNorm;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.ModuleException;
import dev.octet.torch.nn.PReLU;
import dev.octet.torch.op.Ops;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class QuantizedModulesTest {
  /** A small CNN with a residual sum. */
  static final class Net extends Module {
    private final Child<Module> quant = child("quant", new Flatless());
    private final Child<Module> conv1 = child("conv1", Conv2d.builder(3, 8, 3).padding(1).build());
    private final Child<Module> relu = child("relu", Activation.relu());
    private final Child<MaxPool2d> pool = child("pool", MaxPool2d.builder(2).build());
    private final Child<Module> conv2 = child("conv2", Conv2d.builder(8, 8, 3).padding(1).build());
    private final Child<Functional> skip = child("skip", new Plain());
    private final Child<Module> mean = child("mean", AdaptiveAvgPool2d.of(1));
    private final Child<Module> flat = child("flat", new Flatten());
    private final Child<Module> head = child("head", Linear.builder(8, 4).build());
    private final Child<Module> dequant = child("dequant", new Flatless());

    @Override
    protected Tensor forward(Tensor x) {
      Tensor a = pool.call(relu.call(conv1.call(quant.call(x))));
      Tensor b = skip.get().addRelu(conv2.call(a), a);
      return dequant.call(head.call(flat.call(mean.call(b))));
    }
  }

  /** A stub. */
  static final class Flatless extends Module {
    @Override
    protected Tensor forward(Tensor x) {
      return x;
    }
  }

  /** As FloatFunctional. */
  static final class Plain extends Functional {
    @Override
    protected Tensor compute(Operation operation, double number, Tensor... x) {
      return floatResult(operation, number, x);
    }
  }

  @BeforeEach
  void seed() {
    Torch.seed(17);
  }

  static QuantParams weightParams(Module layer, Tensor weight, boolean perChannel) {
    Granularity granularity =
        perChannel ? QuantizedModules.weightGranularity(layer) : Granularity.perTensor();
    QuantDescriptor descriptor = QuantDescriptor.builder().granularity(granularity).build();
    int[] shape = Arrays.stream(Tensors.shape(weight)).mapToInt(Math::toIntExact).toArray();
    return QuantParams.of(
        descriptor, WeightRanges.find(Tensors.toFloats(weight), shape, descriptor));
  }

  static QuantParams activation(Tensor x) {
    try (Scope scope = Scope.open()) {
      return QuantParams.of(
          QuantDescriptor.uint8Activation(), new Range(x.min().item_float(), x.max().item_float()));
    }
  }

  /** What a module computes in real numbers from inputs and weights as they are quantized. */
  static Tensor expected(Module layer, Tensor x, QuantParams in, boolean relu) {
    QuantizedTensor codes =
        QuantizedTensor.quantizePerTensor(x, in.scale(0), in.zeroPoint(0), Dtype.QUINT8);
    layer.eval();
    Tensor y = layer.call(codes.dequantize());
    return relu ? Ops.relu(y) : y;
  }

  static void assertWithinAQuantum(Tensor made, Tensor exact, QuantParams out) {
    QuantizedTensor wanted =
        QuantizedTensor.quantizePerTensor(exact, out.scale(0), out.zeroPoint(0), Dtype.QUINT8);
    QuantizedTensor codes =
        QuantizedTensor.quantizePerTensor(made, out.scale(0), out.zeroPoint(0), Dtype.QUINT8);
    assertThat(Tensors.toFloats(made)).isEqualTo(codes.toFloats()); // it lies on its grid
    int[] a = codes.toInts();
    int[] b = wanted.toInts();
    int others = 0;
    for (int i = 0; i < a.length; i++) {
      assertThat(Math.abs(a[i] - b[i])).isLessThanOrEqualTo(1);
      others += a[i] == b[i] ? 0 : 1;
    }
    assertThat(others).isLessThanOrEqualTo(1 + a.length / 50);
  }

  /** The weight of a layer rounded, in place. */
  static void round(Tensor weight, QuantizedTensor rounded) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      weight.copy_(rounded.dequantize());
    }
  }

  static Stream<Arguments> convolutions() {
    Supplier<ConvNd> same = () -> Conv1d.builder(4, 6, 3).stride(2).padding(1).build();
    return Stream.of(
        Arguments.of("conv1d", same, new long[] {2, 4, 9}),
        Arguments.of(
            "conv2d",
            (Supplier<ConvNd>)
                () -> Conv2d.builder(4, 6, 3).padding(1).dilation(2).groups(2).build(),
            new long[] {2, 4, 7, 8}),
        Arguments.of(
            "conv2d reflected",
            (Supplier<ConvNd>)
                () ->
                    Conv2d.builder(4, 6, 3)
                        .padding(1)
                        .paddingMode(Ops.Padding.REFLECT)
                        .bias(false)
                        .build(),
            new long[] {2, 4, 7, 8}),
        Arguments.of(
            "conv3d",
            (Supplier<ConvNd>) () -> Conv3d.builder(2, 4, 2).build(),
            new long[] {1, 2, 4, 5, 4}),
        Arguments.of(
            "convTranspose1d",
            (Supplier<ConvNd>) () -> ConvTranspose1d.builder(4, 6, 3).stride(2).build(),
            new long[] {2, 4, 6}),
        Arguments.of(
            "convTranspose2d",
            (Supplier<ConvNd>)
                () ->
                    ConvTranspose2d.builder(4, 6, 3).stride(2).padding(1).outputPadding(1).build(),
            new long[] {2, 4, 5, 4}),
        Arguments.of(
            "convTranspose3d",
            (Supplier<ConvNd>) () -> ConvTranspose3d.builder(2, 4, 2).build(),
            new long[] {1, 2, 3, 3, 3}));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("convolutions")
  void convolutionsMultiplyIntegers(String name, Supplier<ConvNd> builder, long[] shape) {
    for (boolean perChannel : new boolean[] {false, true}) {
      for (boolean relu : new boolean[] {false, true}) {
        try (Scope scope = Scope.open();
            ConvNd layer = builder.get()) {
          Tensor x = torch.randn(shape);
          QuantParams in = activation(x);
          QuantParams weight = weightParams(layer, layer.weight(), perChannel);
          QuantizedTensor codes =
              QuantizedTensor.quantize(
                  layer.weight().detach(),
                  weight,
                  Dtype.QINT8,
                  dev.octet.core.affine.Arithmetic.LIBTORCH_2_13);
          round(layer.weight(), codes);
          Tensor exact = expected(layer, x, in, relu);
          QuantParams out = activation(exact);
          try (QuantizedConv made =
              (QuantizedConv)
                  QuantizedModules.from(layer, codes.params(), List.of(in), out, relu)) {
            assertThat(made.weight()).isEqualTo(codes);
            assertWithinAQuantum(made.call(x), exact, out);
            assertThat(made.toString()).contains("scale=" + out.scale(0));
            assertThat(made.stateDict().get("weight")).isNotNull();
            Tensor stored = made.stateDict().get("weight");
            assertThat(Tensors.type(stored)).isEqualTo(torch.ScalarType.Char);
          }
        }
      }
    }
  }

  static Stream<Arguments> layers() {
    return Stream.of(
        Arguments.of(Activation.elu(1), new long[] {3, 4, 5}),
        Arguments.of(Activation.hardswish(), new long[] {3, 4, 5}),
        Arguments.of(Activation.leakyRelu(0.1), new long[] {3, 4, 5}),
        Arguments.of(Activation.relu6(), new long[] {3, 4, 5}),
        Arguments.of(Activation.sigmoid(), new long[] {3, 4, 5}),
        Arguments.of(Activation.tanh(), new long[] {3, 4, 5}),
        Arguments.of(Activation.hardsigmoid(), new long[] {3, 4, 5}),
        Arguments.of(Activation.celu(1.5), new long[] {3, 4, 5}),
        Arguments.of(Activation.threshold(0.2, -0.5), new long[] {3, 4, 5}),
        Arguments.of(Activation.softmax(1), new long[] {3, 4, 5}),
        Arguments.of(new PReLU(4, 0.3), new long[] {3, 4, 5}),
        Arguments.of(BatchNorm2d.builder(4).build(), new long[] {3, 4, 5, 2}),
        Arguments.of(BatchNorm3d.builder(4).build(), new long[] {3, 4, 5, 2, 2}),
        Arguments.of(LayerNorm.builder(5).build(), new long[] {3, 4, 5}),
        Arguments.of(GroupNorm.builder(2, 4).build(), new long[] {3, 4, 5}),
        Arguments.of(InstanceNorm1d.builder(4).affine(true).build(), new long[] {3, 4, 6}),
        Arguments.of(InstanceNorm2d.builder(4).build(), new long[] {3, 4, 5, 2}),
        Arguments.of(InstanceNorm3d.builder(4).build(), new long[] {3, 4, 5, 2, 2}));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("layers")
  void normalisationsAndActivationsStandBetweenIntegers(Module layer, long[] shape) {
    try (Scope scope = Scope.open();
        layer) {
      Tensor x = torch.randn(shape).mul(new org.bytedeco.pytorch.Scalar(2.0));
      QuantParams in = activation(x);
      for (boolean relu : new boolean[] {false, true}) {
        Tensor exact = expected(layer, x, in, relu);
        QuantParams out = activation(exact);
        Module made = QuantizedModules.from(layer, null, List.of(in), out, relu);
        try (made) {
          assertWithinAQuantum(made.call(x), exact, out);
          // Another batch and another mode change nothing but the number of rows.
          made.train(true);
          Tensor two =
              x.slice(
                  0,
                  new org.bytedeco.pytorch.LongOptional(0),
                  new org.bytedeco.pytorch.LongOptional(2),
                  1);
          assertThat(Tensors.shape(made.call(two))[0]).isEqualTo(2);
        }
      }
      assertThat(layer.call(x).numel()).isEqualTo(x.numel()); // the float layer is open still
    }
  }

  @Test
  void linearKeepsItsParametersAndTakesMoreDimensions() {
    try (Scope scope = Scope.open();
        Linear layer = Linear.builder(6, 5).build()) {
      Tensor x = torch.randn(2, 3, 6);
      QuantParams in = activation(x);
      QuantParams weight = weightParams(layer, layer.weight(), true);
      round(
          layer.weight(),
          QuantizedTensor.quantize(
              layer.weight().detach(),
              weight,
              Dtype.QINT8,
              dev.octet.core.affine.Arithmetic.LIBTORCH_2_13));
      Tensor exact = expected(layer, x, in, false);
      QuantParams out = activation(exact);
      try (QuantizedLinear made =
          (QuantizedLinear) QuantizedModules.from(layer, weight, List.of(in), out, false)) {
        assertWithinAQuantum(made.call(x), exact, out);
        assertThat(made.output()).isEqualTo(out);
        assertThat(made.inputs()).containsExactly(in);
        assertThat(made.parameters()).isEmpty();
        assertThat(made.stateDict().keySet())
            .containsExactlyInAnyOrder("weight", "weight_scale", "bias");
      }
    }
  }

  @Test
  void wrongInputsAreJavasExceptions() {
    try (Scope scope = Scope.open();
        Linear layer = Linear.builder(6, 5).build()) {
      QuantParams in = QuantParams.affine(0.1f, 100, 0, 255);
      QuantParams weight = weightParams(layer, layer.weight(), false);
      Module made = QuantizedModules.from(layer, weight, List.of(in), in, false);
      assertThatThrownBy(() -> made.call(torch.randn(2, 5)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("it takes [N, ..., 6], not Float[2, 5]");
      assertThatThrownBy(() -> made.call(torch.randn(6))).isInstanceOf(ModuleException.class);
      assertThatThrownBy(() -> made.call(torch.randn(0, 6)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("at least one element");
      assertThatThrownBy(() -> made.call(Tensors.of(new long[6], 1, 6)))
          .isInstanceOf(ModuleException.class)
          .hasMessageContaining("Long[1, 6]");
      assertThatThrownBy(() -> made.call(torch.randn(2, 6), torch.randn(2, 6)))
          .isInstanceOf(ModuleException.class);
      made.close();
      made.close();
      assertThatThrownBy(() -> made.call(torch.randn(2, 6)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
      assertThatThrownBy(() -> QuantizedModules.from(layer, null, List.of(in), in, false))
          .hasMessageContaining("no parameters of its weight");
      assertThatThrownBy(() -> QuantizedModules.from(layer, weight, List.of(in, in), in, false))
          .hasMessageContaining("parameters of 2 inputs");
      QuantParams wide = QuantParams.affine(0.1f, 0, -32768, 32767);
      assertThatThrownBy(() -> QuantizedModules.from(layer, weight, List.of(wide), in, false))
          .hasMessageContaining("8 bits");
      assertThatThrownBy(() -> QuantizedModules.from(Activation.gelu(), null, List.of(), in, false))
          .hasMessageContaining("GELU has no quantized form");
    }
  }

  /** Converts with the ranges that one batch shows. */
  static void convert(Net net, Tensor x, boolean tellInputs) {
    try (Scope scope = Scope.open()) {
      net.eval();
      Tensor a0 = net.conv1.call(x);
      Tensor a = net.pool.call(Ops.relu(a0));
      Tensor c = net.conv2.call(a);
      Tensor b = net.skip.get().addRelu(c, a);
      Tensor h = net.head.call(net.flat.call(net.mean.call(b)));
      QuantParams first = activation(x);
      QuantParams second = activation(Ops.relu(a0));
      put(net, "quant", new Quantize(first));
      put(net, "dequant", new DeQuantize());
      Module identity = new dev.octet.torch.nn.Identity();
      put(net, "relu", identity);
      replace(net, "conv1", tellInputs ? List.of(first) : List.of(), second, true);
      replace(net, "conv2", tellInputs ? List.of(second) : List.of(), activation(c), false);
      put(
          net,
          "skip",
          QuantizedModules.from(net.skip.get(), null, List.of(), activation(b), false));
      replace(net, "head", tellInputs ? List.of(activation(b)) : List.of(), activation(h), false);
    }
  }

  private static void replace(
      Net net, String path, List<QuantParams> inputs, QuantParams output, boolean relu) {
    Module layer = net.get(path);
    Tensor weight = layer instanceof Linear linear ? linear.weight() : ((ConvNd) layer).weight();
    put(
        net,
        path,
        QuantizedModules.from(layer, weightParams(layer, weight, true), inputs, output, relu));
  }

  private static void put(Net net, String path, Module made) {
    net.replace(path, made).close();
  }

  @Test
  void aConvertedModelIsOnePlanOfIntegers() {
    try (Scope scope = Scope.open();
        Net net = new Net()) {
      Tensor x = torch.randn(2, 3, 8, 8);
      net.eval();
      Tensor real = net.call(x);
      convert(net, x, false);
      Tensor before = net.call(x);
      assertThat(QuantizedModules.report(net).leftFloat())
          .extracting(ConversionReport.Line::path)
          .containsExactly("conv1", "conv2", "head");
      ConversionReport report = QuantizedModules.learnInputs(net, x);
      assertThat(report.leftFloat()).as(report.toString()).isEmpty();
      assertThat(report.quantized()).hasSize(6);
      Tensor after = net.call(x);
      QuantizedModule head = (QuantizedModule) net.get("head");
      assertThat(head.inputs()).doesNotContainNull();
      double step = head.output() == null ? 0 : head.output().scale(0);
      assertClose(after, before, 3 * step);
      assertClose(after, real, 0.15 * real.abs().max().item_double() + 3 * step);
      try (EngineModel fast = EngineModel.compile(net, x)) {
        assertClose(fast.run(x), after, 1.01 * step);
        Tensor more = torch.randn(5, 3, 8, 8);
        assertClose(fast.run(more), net.call(more), 1.01 * step);
        Explanation explanation = fast.explain(new long[] {2, 3, 8, 8});
        assertThat(
                explanation.steps().stream()
                    .filter(each -> each.what().matches("convolution|matmul"))
                    .filter(each -> each.reads().stream().anyMatch(r -> r.startsWith("UINT8[2")))
                    .filter(each -> each.reads().stream().anyMatch(r -> r.startsWith("INT8["))))
            .as(explanation.toString())
            .hasSize(3);
        assertThatThrownBy(() -> fast.run(x, x)).hasMessageContaining("takes 1 inputs");
        // As a file for other runtimes, whose biases are integers.
        try (dev.octet.engine.Engine engine =
            dev.octet.engine.Engine.load(
                dev.octet.torch.trace.Trace.of(net).quantized(x),
                dev.octet.engine.EngineOptions.defaults())) {
          dev.octet.graph.Tensor made =
              engine.run(java.util.Map.of("input", Tensors.toHost(x))).get("output");
          assertThat(made).isNotNull();
          assertClose(Tensors.of(made), after, 1.01 * step);
        }
        fast.close();
        assertThatThrownBy(() -> fast.run(x)).isInstanceOf(IllegalStateException.class);
      }
    }
  }

  private static void assertClose(Tensor a, Tensor b, double tolerance) {
    float[] left = Tensors.toFloats(a);
    float[] right = Tensors.toFloats(b);
    assertThat(left).hasSameSizeAs(right);
    for (int i = 0; i < left.length; i++) {
      assertThat((double) Math.abs(left[i] - right[i])).isLessThanOrEqualTo(tolerance);
    }
  }

  @Test
  void aFileBringsTheConvertedModelBackIntoAFreshOne(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("net.safetensors");
    try (Scope scope = Scope.open();
        Net net = new Net();
        Net fresh = new Net()) {
      Tensor x = torch.randn(2, 3, 8, 8);
      convert(net, x, true);
      QuantizedModules.learnInputs(net, x);
      QuantizedModules.save(net, file);
      QuantizedModules.load(fresh, file);
      assertThat(fresh.tree()).isEqualTo(net.tree());
      assertThat(Tensors.toFloats(fresh.call(x))).isEqualTo(Tensors.toFloats(net.call(x)));
      assertThat(fresh.extraStates()).isEqualTo(net.extraStates());
      // And into one that is converted already.
      QuantizedModules.load(fresh, file);
      assertThat(Tensors.toFloats(fresh.call(x))).isEqualTo(Tensors.toFloats(net.call(x)));
      long size = Files.size(file);
      Path floats = folder.resolve("float.safetensors");
      try (Net plain = new Net()) {
        dev.octet.torch.models.ModelWeights.save(plain, floats);
        Tensor untouched = plain.call(x);
        try (Module other = Linear.builder(3, 3).build()) {
          assertThatThrownBy(() -> QuantizedModules.load(other, file))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("net.safetensors");
        }
        assertThatThrownBy(() -> QuantizedModules.load(plain, floats))
            .isInstanceOf(dev.octet.torch.weights.WeightsException.class)
            .hasMessageContaining("no converted model");
        assertThat(Tensors.toFloats(plain.call(x))).isEqualTo(Tensors.toFloats(untouched));
      }
      assertThat(size).isPositive();
    }
  }

  @Test
  void damagedFilesAreRefusedAndChangeNothing(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("net.safetensors");
    try (Scope scope = Scope.open();
        Net net = new Net();
        Net fresh = new Net()) {
      Tensor x = torch.randn(2, 3, 8, 8);
      fresh.eval();
      float[] before = Tensors.toFloats(fresh.call(x));
      convert(net, x, true);
      QuantizedModules.save(net, file);
      dev.octet.torch.weights.Safetensors.Content good =
          dev.octet.torch.weights.Safetensors.read(file);
      for (String key : good.metadata().keySet()) {
        java.util.Map<String, String> metadata = new java.util.LinkedHashMap<>(good.metadata());
        metadata.put(key, "{\"kind\":\"Conv\"}");
        if (key.startsWith("octet.identity")) {
          metadata.remove(key);
          metadata.put("octet.identity:nowhere", "");
        }
        dev.octet.torch.weights.Safetensors.write(file, good.tensors(), metadata);
        assertThatThrownBy(() -> QuantizedModules.load(fresh, file))
            .as(key)
            .isInstanceOfAny(
                IllegalArgumentException.class, dev.octet.torch.weights.WeightsException.class);
      }
      for (String name : good.tensors().keySet()) {
        java.util.Map<String, dev.octet.graph.Tensor> tensors =
            new java.util.LinkedHashMap<>(good.tensors());
        tensors.put(name, dev.octet.graph.Tensor.ofFloats(new float[7], 7));
        dev.octet.torch.weights.Safetensors.write(file, tensors, good.metadata());
        assertThatThrownBy(() -> QuantizedModules.load(fresh, file))
            .as(name)
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThat(Tensors.toFloats(fresh.call(x))).isEqualTo(before);
    }
  }

  @Test
  void numbersChangeParametersAsInLibTorch() {
    QuantParams in = QuantParams.affine(0.5f, 10, 0, 255);
    QuantParams out = QuantParams.affine(1, 0, 0, 255);
    try (Scope scope = Scope.open();
        QFunctional f = new QFunctional(out, List.of(in, in))) {
      Tensor x = Tensors.of(new float[] {-5, 0, 1, 100}, 4);
      assertThat(Tensors.toFloats(f.addScalar(x, 2.2))).containsExactly(-3, 2, 3, 102);
      assertThat(Tensors.toFloats(f.mulScalar(x, 3))).containsExactly(-15, 0, 3, 300);
      assertThat(Tensors.toFloats(f.mulScalar(x, -3))).containsExactly(15, 0, -3, -300);
      assertThat(Tensors.toFloats(f.mulScalar(x, 0))).containsOnly(0);
      // The zero point would fall below 0: the scale widens, so that zero stays among the integers.
      float wider = (255 - (10 - 60)) / 255f * 0.5f;
      for (float value : Tensors.toFloats(f.addScalar(x, 30))) {
        assertThat(Math.rint(value / wider)).isCloseTo(value / wider, within());
      }
      Tensor a = torch.rand(2, 3).mul(new org.bytedeco.pytorch.Scalar(8.0));
      Tensor b = torch.rand(3, 2).mul(new org.bytedeco.pytorch.Scalar(8.0));
      Tensor product = f.matmul(a, b);
      assertThat(Tensors.shape(product)).containsExactly(2, 2);
      Tensor exact =
          torch.matmul(
              QuantizedTensor.quantizePerTensor(a, 0.5f, 10, Dtype.QUINT8).dequantize(),
              QuantizedTensor.quantizePerTensor(b, 0.5f, 10, Dtype.QUINT8).dequantize());
      assertWithinAQuantum(product, exact, out);
      assertThatThrownBy(() -> f.call(x)).hasMessageContaining("addScalar");
      assertThatThrownBy(() -> f.addScalar(x, Double.NaN)).hasMessageContaining("finite");
      assertThatThrownBy(() -> f.cat(List.of(), 0)).hasMessageContaining("nothing to join");
    }
  }

  private static org.assertj.core.data.Offset<Double> within() {
    return org.assertj.core.data.Offset.offset(1e-3);
  }

  @Test
  void aModuleOfTwoPlacesUsesTheParametersOfEach() {
    try (Scope scope = Scope.open();
        Linear layer = Linear.builder(4, 4).build()) {
      Tensor x = torch.randn(3, 4);
      QuantParams in = activation(x);
      QuantParams out = QuantParams.affine(0.02f, 128, 0, 255);
      QuantizedLinear shared =
          (QuantizedLinear)
              QuantizedModules.from(
                  layer, weightParams(layer, layer.weight(), true), List.of(), out, false);
      Module twice =
          new Module() {
            private final Child<Quantize> q = child("q", new Quantize(in));
            private final Child<QuantizedLinear> fc = child("fc", shared);

            @Override
            protected Tensor forward(Tensor y) {
              return fc.call(fc.call(q.call(y)));
            }
          };
      try (twice) {
        ConversionReport report = QuantizedModules.learnInputs(twice, x);
        assertThat(report.leftFloat()).hasSize(1);
        assertThat(report.leftFloat().get(0).why()).contains("different parameters");
        try (EngineModel fast = EngineModel.compile(twice, x)) {
          assertClose(fast.run(x), twice.call(x), 1.01 * 0.02);
        }
      }
    }
  }

  @Test
  void severalThreadsCallAModuleWithMoreSizesThanStayCompiled() throws Exception {
    QuantParams grid = QuantParams.affine(0.05f, 128, 0, 255);
    try (Module norm = GroupNorm.builder(2, 4).build();
        Module made = QuantizedModules.from(norm, null, List.of(grid), grid, false)) {
      ExecutorService pool = Executors.newFixedThreadPool(4);
      try {
        List<Future<float[]>> results = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
          int size = 2 + i % 12;
          results.add(pool.submit(() -> rampThrough(made, size)));
        }
        for (int i = 0; i < 60; i++) {
          assertThat(results.get(i).get()).isEqualTo(rampThrough(made, 2 + i % 12));
        }
      } finally {
        pool.shutdown();
      }
    }
  }

  private static float[] rampThrough(Module module, int size) {
    try (Scope scope = Scope.open()) {
      float[] values = new float[4 * size];
      for (int i = 0; i < values.length; i++) {
        values[i] = (i * 7 % 11 - 5) * 0.3f;
      }
      return Tensors.toFloats(module.call(Tensors.of(values, 1, 4, size)));
    }
  }
}
