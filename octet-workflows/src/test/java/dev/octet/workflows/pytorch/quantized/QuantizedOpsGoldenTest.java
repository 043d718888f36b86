package dev.octet.workflows.pytorch.quantized;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.ConvSettings;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Modules on the engine against LibTorch 2.13's operators of the fbgemm and onednn engines:
 * torch-quantized-ops.json. All codes exact; outputs of dynamic layers within 1e-6 of the largest.
 */
final class QuantizedOpsGoldenTest {
  private static final String TOPIC = "torch-quantized-ops";

  static Stream<Golden> layers() {
    return Golden.cases(TOPIC, name -> name.matches("[a-z]+_(linear|conv2d)_(?!.*dynamic).*"));
  }

  static Stream<Golden> functions() {
    return Golden.cases(TOPIC, name -> name.matches("[a-z]+_(add|mul|cat)_.*"));
  }

  static Stream<Golden> dynamic() {
    return Golden.cases(TOPIC, name -> name.contains("dynamic"));
  }

  private static QuantParams bytes(Fields params, String prefix) {
    return QuantParams.affine(
        params.number(prefix + "_scale"), params.integer(prefix + "_zero_point"), 0, 255);
  }

  private static long[] shape(GoldenArray array) {
    return Arrays.stream(array.shape()).asLongStream().toArray();
  }

  private static Tensor real(GoldenArray codes, QuantParams params) {
    return Tensors.of(Affine.dequantize(codes.ints(), codes.shape(), params), shape(codes));
  }

  private static QuantizedTensor weight(Golden golden) {
    GoldenArray codes = golden.inputs().array("wq");
    boolean perChannel = golden.params().flag("per_channel");
    float[] scales;
    if (perChannel) {
      double[] given = golden.inputs().array("w_scale").doubles();
      scales = new float[given.length];
      for (int i = 0; i < scales.length; i++) {
        scales[i] = (float) given[i];
      }
    } else {
      scales = new float[] {golden.inputs().number("w_scale")};
    }
    return QuantizedTensor.of(
        codes.ints(),
        QuantParams.affine(
            scales,
            new int[scales.length],
            perChannel ? Granularity.perAxis(0) : Granularity.perTensor(),
            -128,
            127),
        Dtype.QINT8,
        codes.shape());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("layers")
  void layersGiveThePeersCodes(Golden golden) {
    Fields params = golden.params();
    golden.expected().leave("model_match", "numel");
    QuantParams in = bytes(params, "x");
    QuantParams out = bytes(params, "out");
    boolean relu = params.text("op").endsWith("_relu");
    float[] bias = golden.inputs().has("bias") ? golden.inputs().floats("bias") : null;
    try (Scope scope = Scope.open();
        QuantizedModule module =
            params.text("op").startsWith("linear")
                ? new QuantizedLinear(weight(golden), bias, List.of(in), out, relu)
                : new QuantizedConv(
                    settings(golden), weight(golden), bias, List.of(in), out, relu)) {
      Tensor y = module.call(real(golden.inputs().array("xq"), in));
      GoldenArray expected = golden.expected().array("yq");
      assertThat(Tensors.shape(y)).isEqualTo(shape(expected));
      assertThat(module.quantized(y).toInts()).isEqualTo(expected.ints());
    }
  }

  private static ConvSettings settings(Golden golden) {
    Fields params = golden.params();
    int[] weight = golden.inputs().array("wq").shape();
    long groups = params.integer("groups");
    long pad = params.integer("padding");
    return new ConvSettings(
        false,
        weight[1] * groups,
        weight[0],
        new long[] {weight[2], weight[3]},
        twice(params.integer("stride")),
        new long[] {pad, pad, pad, pad},
        Ops.Padding.CONSTANT,
        twice(0),
        new long[0],
        twice(params.integer("dilation")),
        groups);
  }

  private static long[] twice(long value) {
    return new long[] {value, value};
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("functions")
  void functionsGiveThePeersCodes(Golden golden) {
    Fields params = golden.params();
    QuantParams a = bytes(params, "a");
    QuantParams b = bytes(params, "b");
    QuantParams out = bytes(params, "out");
    try (Scope scope = Scope.open();
        QFunctional functional = new QFunctional(out, List.of(a, b))) {
      Tensor x = real(golden.inputs().array("aq"), a);
      Tensor y = real(golden.inputs().array("bq"), b);
      Tensor made =
          switch (params.text("op")) {
            case "add" -> functional.add(x, y);
            case "add_relu" -> functional.addRelu(x, y);
            case "mul" -> functional.mul(x, y);
            case "mul_relu" -> functional.mulRelu(x, y);
            case "cat" -> functional.cat(List.of(x, y), params.integer("dim"));
            default -> throw new AssertionError(params.text("op"));
          };
      GoldenArray expected = golden.expected().array("yq");
      assertThat(Tensors.shape(made)).isEqualTo(shape(expected));
      assertThat(
              QuantizedTensor.quantizePerTensor(made, out.scale(0), out.zeroPoint(0), Dtype.QUINT8)
                  .toInts())
          .isEqualTo(expected.ints());
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("dynamic")
  void dynamicLayersGiveThePeersOutput(Golden golden) {
    Fields params = golden.params();
    Fields expected = golden.expected();
    boolean relu = params.text("op").contains("relu");
    boolean reduced = params.flag("reduce_range");
    GoldenArray input = golden.inputs().array("x");
    QuantizedTensor weight = weight(golden);
    try (Scope scope = Scope.open();
        Module layer =
            new DynamicLinear(
                weight,
                golden.inputs().floats("bias"),
                new Description.Dynamic(false, reduced),
                relu)) {
      Tensor x = Tensors.of(input.floats(), shape(input));
      QuantizedTensor codes = QuantizedTensor.quantizePerTensorDynamic(x, Dtype.QUINT8, reduced);
      assertThat(codes.toInts()).isEqualTo(expected.ints("xq"));
      assertThat(codes.scale()).isEqualTo(expected.number("x_scale"));
      assertThat(codes.zeroPoint()).isEqualTo(expected.integer("x_zero_point"));
      assertThat(sums(codes, weight)).isEqualTo(expected.ints("acc"));
      float[] wanted = expected.floats("output");
      float[] made = Tensors.toFloats(layer.call(x));
      float largest = 0;
      for (float value : wanted) {
        largest = Math.max(largest, Math.abs(value));
      }
      for (int i = 0; i < wanted.length; i++) {
        assertThat(made[i]).isBetween(wanted[i] - 1e-6f * largest, wanted[i] + 1e-6f * largest);
      }
    }
  }

  private static int[] sums(QuantizedTensor x, QuantizedTensor weight) {
    int rows = (int) x.shape()[0];
    int depth = (int) x.shape()[1];
    int width = (int) weight.shape()[0];
    int[] left = x.toInts();
    int[] right = weight.toInts();
    int[] made = new int[rows * width];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < width; j++) {
        for (int k = 0; k < depth; k++) {
          made[i * width + j] += (left[i * depth + k] - x.zeroPoint()) * right[j * depth + k];
        }
      }
    }
    return made;
  }
}
