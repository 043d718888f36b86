package dev.octet.workflows.pytorch.fx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.graph.Attribute;
import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.graph.TorchGraph;
import dev.octet.torch.nn.Activation;
import dev.octet.torch.nn.AdaptiveAvgPool2d;
import dev.octet.torch.nn.AttentionMasks;
import dev.octet.torch.nn.BatchNorm2d;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Conv2d;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.MaxPool2d;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.TransformerEncoderLayer;
import dev.octet.torch.op.Ops;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Modules and models that the tests of graph mode quantize. */
final class Fixtures {
  private Fixtures() {}

  /** A residual sum, a pool and a concatenation; without a layer that shrinks the images much. */
  static final class Cnn extends Module {
    private final Child<Conv2d> conv1 =
        child("conv1", Conv2d.builder(3, 8, 3).padding(1).bias(false).build());
    private final Child<BatchNorm2d> bn1 = child("bn1", BatchNorm2d.builder(8).build());
    private final Child<Block> block = child("block", new Block());
    private final Child<MaxPool2d> pool = child("pool", MaxPool2d.builder(2).build());
    private final Child<Conv2d> branch = child("branch", Conv2d.builder(8, 4, 1).build());
    private final Child<AdaptiveAvgPool2d> average = child("average", AdaptiveAvgPool2d.of(1));
    private final Child<Linear> fc = child("fc", Linear.builder(12, 5).build());

    /** Something to be preserved. */
    public final String version = "cnn-1";

    Cnn() {
      buffer("classes", Tensors.of(new float[] {3, 1, 4}, 3));
    }

    /** Names of the classes. */
    public List<String> names() {
      return List.of("a", "b");
    }

    @Override
    protected Tensor forward(Tensor x) {
      Tensor y = Ops.relu(bn1.call(conv1.call(x)));
      y = pool.call(block.call(y));
      y = Ops.cat(List.of(y, branch.call(y)), 1);
      return fc.call(Ops.flatten(average.call(y), 1, 3));
    }
  }

  static final class Block extends Module {
    private final Child<Conv2d> conv =
        child("conv", Conv2d.builder(8, 8, 3).padding(1).bias(false).build());
    private final Child<BatchNorm2d> bn = child("bn", BatchNorm2d.builder(8).build());
    private final Child<Activation> relu = child("relu", Activation.relu());

    @Override
    protected Tensor forward(Tensor x) {
      return relu.call(Ops.add(bn.call(conv.call(x)), x));
    }
  }

  /** One encoder layer and a head. */
  static final class Transformer extends Module {
    private final Child<TransformerEncoderLayer> layer =
        child(
            "layer",
            TransformerEncoderLayer.builder(16, 2)
                .dimFeedforward(32)
                .activation(TransformerEncoderLayer.Activation.GELU)
                .batchFirst(true)
                .build());
    private final Child<Linear> head = child("head", Linear.builder(16, 3).build());

    @Override
    protected Tensor forward(Tensor x) {
      return head.call(Ops.mean(layer.get().run(x, AttentionMasks.NONE), 1));
    }
  }

  /** Settled statistics, so that folding has something to do. */
  static Cnn cnn() {
    Torch.seed(11);
    Cnn net = new Cnn();
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      net.train(true);
      for (int i = 0; i < 8; i++) {
        net.call(torch.randn(8, 3, 8, 8));
      }
    }
    net.eval();
    return net;
  }

  static Tensor images(int count) {
    return torch.randn(count, 3, 8, 8);
  }

  // ---- graphs ----

  /** A model of an input and a chain that ends in {@code y}. */
  static final class Net {
    private final Graph graph = new Graph("test");
    private final Random random = new Random(5);

    Net input(String name, long... shape) {
      List<Dimension> dimensions =
          Arrays.stream(shape)
              .<Dimension>mapToObj(
                  size -> size < 0 ? new Dimension.Symbolic("n") : new Dimension.Fixed(size))
              .toList();
      graph.addInput(graph.addValue(name, new ValueType.TensorType(DataType.FLOAT, dimensions)));
      return this;
    }

    Net weight(String name, long... shape) {
      float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian() * 0.5f;
      }
      graph.setInitializer(value(name), dev.octet.graph.Tensor.ofFloats(values, shape));
      return this;
    }

    Net node(String name, String op, String output, String inputs, Object... attributes) {
      NodeSpec spec =
          NodeSpec.of(op)
              .named(name)
              .reads(Arrays.stream(inputs.split(",")).map(this::value).toArray(Value[]::new))
              .makes(value(output));
      for (int i = 0; i < attributes.length; i += 2) {
        spec =
            attributes[i + 1] instanceof long[] list
                ? spec.with((String) attributes[i], Attribute.IntList.of(list))
                : spec.with((String) attributes[i], (int) attributes[i + 1]);
      }
      graph.add(spec);
      return this;
    }

    Model returns(String... outputs) {
      for (String output : outputs) {
        graph.addOutput(value(output));
      }
      return new Model(8, Map.of("", 17L), Map.of(), graph, Bytes.EMPTY);
    }

    private Value value(String name) {
      Value found = graph.value(name);
      return found == null ? graph.addValue(name, null) : found;
    }
  }

  static Net net() {
    return new Net();
  }

  /** Two convolutions with a sum, as another framework might export them. */
  static Model imported() {
    return net()
        .input("x", -1, 3, 6, 6)
        .weight("a.weight", 6, 3, 3, 3)
        .weight("a.bias", 6)
        .weight("b.weight", 6, 6, 1, 1)
        .weight("b.bias", 6)
        .weight("fc.weight", 4, 6)
        .weight("fc.bias", 4)
        .node("/a/Conv", "Conv", "c", "x,a.weight,a.bias", "pads", new long[] {1, 1, 1, 1})
        .node("/Relu", "Relu", "r", "c")
        .node("/b/Conv", "Conv", "d", "r,b.weight,b.bias")
        .node("/Add", "Add", "s", "d,r")
        .node("/pool/GlobalAveragePool", "GlobalAveragePool", "g", "s")
        .node("/Flatten", "Flatten", "f", "g")
        .node("/fc/Gemm", "Gemm", "y", "f,fc.weight,fc.bias", "transB", 1)
        .returns("y");
  }

  // ---- what came out ----

  static void calibrate(GraphModule prepared, Tensor... batches) {
    try (Torch.Switched noGrad = Torch.noGrad()) {
      for (Tensor batch : batches) {
        try (Scope scope = Scope.open()) {
          prepared.call(batch);
        }
      }
    }
  }

  static PreparedOp op(FxReport report, String name) {
    return report.operators().stream()
        .filter(op -> op.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no '" + name + "' in\n" + report));
  }

  /** Scale of the graph's only output: the last QuantizeLinear before it. */
  static float outputScale(Model model) {
    Node last = model.graph().outputs().get(0).producer();
    assertThat(last).isNotNull();
    assertThat(last.op()).isEqualTo("DequantizeLinear");
    return last.input(1).constant().toFloats()[0];
  }

  /** Asserts that nothing is further apart than one step. */
  static void assertWithinOneQuantum(float[] expected, float[] actual, float step) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(Math.abs(expected[i] - actual[i]))
          .as("element %d: %s and %s, step %s", i, expected[i], actual[i], step)
          .isLessThanOrEqualTo(step * 1.001f);
    }
  }

  static float[] ort(Model model, Tensor input) {
    Map<String, HostTensor> outputs = new LinkedHashMap<>();
    int[] shape = Arrays.stream(Tensors.shape(input)).mapToInt(Math::toIntExact).toArray();
    String name = model.graph().inputs().iterator().next().name();
    try (OnnxRuntimeRunner runner = OnnxRuntimeRunner.open(model)) {
      runner.run(Map.of(name, HostTensor.ofFloats(shape, Tensors.toFloats(input))), outputs::put);
    }
    return outputs.values().iterator().next().floats();
  }

  static float[] values(Module module, Tensor... input) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      return Tensors.toFloats(module.call(input));
    }
  }

  static double sqnr(float[] exact, float[] rounded) {
    double signal = 0;
    double noise = 0;
    for (int i = 0; i < exact.length; i++) {
      signal += (double) exact[i] * exact[i];
      noise += Math.pow((double) exact[i] - rounded[i], 2);
    }
    return 10 * Math.log10(signal / noise);
  }

  /**
   * Converts, and compares engine, reference form and ONNX Runtime with each other. Where an
   * average ends in the middle of two integers the last bit of a float decides, and layers after it
   * make several steps of one; so nearly all elements agree within one, and the others are not far
   * off.
   */
  static Model checkConverted(GraphModule prepared, Tensor input) {
    try (ConvertedModule converted = QuantizeFx.convertFx(prepared);
        TorchGraph reference = QuantizeFx.convertToReferenceFx(prepared)) {
      Model model = converted.model();
      float[] expected = values(reference, input);
      float step = outputScale(model);
      assertThat(distinct(expected)).isGreaterThan(2);
      assertAgrees(expected, values(converted, input), step);
      assertAgrees(expected, ort(model, input), step);
      return model;
    }
  }

  /** Asserts that most are no further apart than one step, and none by much. */
  static void assertAgrees(float[] expected, float[] actual, float step) {
    assertThat(actual).hasSameSizeAs(expected);
    int beyond = 0;
    for (int i = 0; i < expected.length; i++) {
      beyond += Math.abs(expected[i] - actual[i]) > step * 1.001f ? 1 : 0;
    }
    assertThat(beyond).as("elements beyond one step").isLessThanOrEqualTo(expected.length / 4);
    assertThat(sqnr(expected, actual)).isGreaterThan(20);
  }

  private static long distinct(float[] values) {
    return Arrays.stream(floats(values)).distinct().count();
  }

  private static double[] floats(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }
}
