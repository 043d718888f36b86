package dev.octet.torch.quant.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.range.Range;
import dev.octet.testing.Fields;
import dev.octet.testing.Golden;
import dev.octet.testing.GoldenArray;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.ConvNd;
import dev.octet.torch.nn.LSTM;
import dev.octet.torch.nn.LSTMCell;
import dev.octet.torch.nn.Linear;
import dev.octet.torch.nn.LstmOutput;
import dev.octet.torch.nn.LstmState;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.PoolNd;
import dev.octet.torch.quant.QuantizerConfig;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Outputs and gradients of pytorch-quantization's layers. */
final class GoldenLayersTest {
  static Stream<Golden> plain() {
    return Golden.cases("nvidia-layers", name -> !name.startsWith("lstm"));
  }

  static Stream<Golden> lstm() {
    return Golden.cases("nvidia-layers", name -> name.matches("lstm_\\d.*"));
  }

  static Stream<Golden> cells() {
    return Golden.cases("nvidia-layers", name -> name.startsWith("lstm_cell"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("plain")
  void layersAgree(Golden golden) {
    Fields inputs = golden.inputs();
    Fields expected = golden.expected();
    try (Module layer = layer(golden);
        Scope scope = Scope.open()) {
      Map<String, Tensor> state = new LinkedHashMap<>();
      for (String name : new String[] {"weight", "bias"}) {
        if (inputs.has(name)) {
          state.put(name, tensor(inputs.array(name)));
        }
      }
      // A fixed amax is part of the state as well.
      assertThat(layer.loadStateDict(state, false).unexpected()).isEmpty();
      if (twoAxes(golden)) {
        joinAxes(layer.get("_weight_quantizer"), Tensors.shape(state.get("weight")));
      }
      Tensor x = tensor(inputs.array("x")).requires_grad_(true);
      Tensor y = layer.call(x);
      y.mul(tensor(inputs.array("grad_output"))).sum().backward();
      agrees(y, expected.array("output"));
      agrees(x.grad(), expected.array("grad_input"));
      for (String name : state.keySet()) {
        agrees(layer.ownParameters().get(name).grad(), expected.array("grad_" + name));
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("lstm")
  void lstmAgrees(Golden golden) {
    Fields inputs = golden.inputs();
    Fields params = golden.params();
    Fields expected = golden.expected();
    try (LSTM plain =
            dev.octet
                .torch
                .nn
                .LSTM
                .builder(params.integer("input_size"), params.integer("hidden_size"))
                .numLayers(params.integer("num_layers"))
                .bidirectional(params.has("bidirectional") && params.flag("bidirectional"))
                .batchFirst(params.has("batch_first") && params.flag("batch_first"))
                .bias(!params.has("bias") || params.flag("bias"))
                .build();
        QuantLSTM layer =
            QuantLSTM.from(plain, input(params), weight(params, false), RecurrentRanges.JOINT);
        Scope scope = Scope.open()) {
      layer.loadStateDict(weights(inputs), true);
      Tensor x = tensor(inputs.array("x")).requires_grad_(true);
      LstmOutput<Tensor> made =
          layer.run(x, new LstmState(tensor(inputs.array("h0")), tensor(inputs.array("c0"))));
      made.output().mul(tensor(inputs.array("grad_output"))).sum().backward();
      agrees(made.output(), expected.array("output"));
      agrees(made.hidden(), expected.array("h"));
      agrees(made.cell(), expected.array("c"));
      agrees(x.grad(), expected.array("grad_input"));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cells")
  void cellsAgree(Golden golden) {
    Fields inputs = golden.inputs();
    Fields params = golden.params();
    Fields expected = golden.expected();
    try (LSTMCell plain =
            LSTMCell.builder(params.integer("input_size"), params.integer("hidden_size"))
                .bias(params.flag("bias"))
                .build();
        QuantLSTMCell layer = QuantLSTMCell.from(plain, input(params), weight(params, false));
        Scope scope = Scope.open()) {
      layer.loadStateDict(weights(inputs), true);
      Tensor x = tensor(inputs.array("x")).requires_grad_(true);
      LstmState made =
          layer.run(x, new LstmState(tensor(inputs.array("h0")), tensor(inputs.array("c0"))));
      made.hidden().mul(tensor(inputs.array("grad_output"))).sum().backward();
      agrees(made.hidden(), expected.array("h"));
      agrees(made.cell(), expected.array("c"));
      agrees(x.grad(), expected.array("grad_input"));
    }
  }

  private static Module layer(Golden golden) {
    Fields params = golden.params();
    String name = params.text("layer");
    QuantizerConfig in = input(params);
    if (name.contains("Pool")) {
      return pool(name, params, in);
    }
    QuantizerConfig by = weight(params, twoAxes(golden));
    int from = params.integer("in_channels");
    int to = params.integer("out_channels");
    boolean bias = !params.has("bias") || params.flag("bias");
    if (name.equals("QuantLinear")) {
      Linear.Builder<? extends QuantLinear> linear = QuantLinear.builder(in, by, from, to);
      return linear.bias(bias).build();
    }
    long kernel = params.integer("kernel_size");
    ConvNd.Builder<? extends ConvNd> conv =
        switch (name) {
          case "QuantConv1d" -> QuantConv1d.builder(in, by, from, to, kernel);
          case "QuantConv2d" -> QuantConv2d.builder(in, by, from, to, kernel);
          case "QuantConv3d" -> QuantConv3d.builder(in, by, from, to, kernel);
          case "QuantConvTranspose1d" -> QuantConvTranspose1d.builder(in, by, from, to, kernel);
          case "QuantConvTranspose2d" -> QuantConvTranspose2d.builder(in, by, from, to, kernel);
          case "QuantConvTranspose3d" -> QuantConvTranspose3d.builder(in, by, from, to, kernel);
          default -> throw new IllegalArgumentException("no layer " + name);
        };
    return conv.bias(bias)
        .stride(number(params, "stride", 1))
        .padding(number(params, "padding", 0))
        .outputPadding(number(params, "output_padding", 0))
        .dilation(number(params, "dilation", 1))
        .groups(number(params, "groups", 1))
        .build();
  }

  private static Module pool(String name, Fields params, QuantizerConfig in) {
    if (params.has("output_size")) {
      long size = params.integer("output_size");
      return switch (name) {
        case "QuantAdaptiveAvgPool1d" -> QuantAdaptiveAvgPool1d.of(in, size);
        case "QuantAdaptiveAvgPool2d" -> QuantAdaptiveAvgPool2d.of(in, size);
        case "QuantAdaptiveAvgPool3d" -> QuantAdaptiveAvgPool3d.of(in, size);
        default -> throw new IllegalArgumentException("no layer " + name);
      };
    }
    long kernel = params.integer("kernel_size");
    PoolNd.Builder<? extends PoolNd> pool =
        switch (name) {
          case "QuantAvgPool1d" -> QuantAvgPool1d.builder(in, kernel);
          case "QuantAvgPool2d" -> QuantAvgPool2d.builder(in, kernel);
          case "QuantAvgPool3d" -> QuantAvgPool3d.builder(in, kernel);
          default -> throw new IllegalArgumentException("no layer " + name);
        };
    return pool.stride(number(params, "stride", kernel))
        .padding(number(params, "padding", 0))
        .countIncludePad(!params.has("count_include_pad") || params.flag("count_include_pad"))
        .build();
  }

  private static QuantizerConfig input(Fields params) {
    QuantDescriptor.Builder builder = QuantDescriptor.builder();
    builder.bits(params.integer("num_bits_input"));
    builder.signed(!params.has("unsigned_input") || !params.flag("unsigned_input"));
    builder.narrow(params.has("narrow_range_input") && params.flag("narrow_range_input"));
    if (params.has("amax_input")) {
      float amax = params.number("amax_input");
      builder.fixedRange(new Range(params.flag("unsigned_input") ? 0 : -amax, amax));
    }
    return original(builder.build());
  }

  private static QuantizerConfig weight(Fields params, boolean twoAxes) {
    QuantDescriptor.Builder builder = QuantDescriptor.builder();
    builder.bits(params.integer("num_bits_weight"));
    builder.narrow(params.has("narrow_range_weight") && params.flag("narrow_range_weight"));
    if (params.has("weight_axis")) {
      builder.granularity(Granularity.perAxis(twoAxes ? 0 : params.integer("weight_axis")));
    }
    return original(builder.build());
  }

  /** The original's arithmetic, which multiplies by the reciprocal of the scale. */
  private static QuantizerConfig original(QuantDescriptor descriptor) {
    return QuantizerConfig.builder(descriptor).arithmetic(Arithmetic.PYTORCH_QUANTIZATION).build();
  }

  /** These have the axes [0, 1]. */
  private static boolean twoAxes(Golden golden) {
    return golden.name().endsWith("_desc_2");
  }

  /** Both first axes keep a range of their own: seen as one axis, that is a range per index. */
  private static void joinAxes(Module quantizer, long[] shape) {
    quantizer.beforeForward((module, in) -> new Tensor[] {in[0].reshape(shape[0] * shape[1], -1)});
    quantizer.afterForward((module, in, output) -> output.reshape(shape));
  }

  private static long number(Fields params, String name, long otherwise) {
    return params.has(name) ? params.integer(name) : otherwise;
  }

  private static Map<String, Tensor> weights(Fields inputs) {
    Map<String, Tensor> state = new LinkedHashMap<>();
    for (Fields weight : inputs.objects("weights")) {
      state.put(weight.text("name"), tensor(weight.array("value")));
    }
    return state;
  }

  private static Tensor tensor(GoldenArray array) {
    return Tensors.of(
        array.floats(), Arrays.stream(array.shape()).mapToLong(each -> each).toArray());
  }

  /** To 1e-5 of the largest magnitude: sums are taken in another order. */
  private static void agrees(Tensor actual, GoldenArray expected) {
    float[] wanted = expected.floats();
    assertThat(Tensors.shape(actual))
        .isEqualTo(Arrays.stream(expected.shape()).mapToLong(each -> each).toArray());
    float largest = 0;
    for (float each : wanted) {
      largest = Math.max(largest, Math.abs(each));
    }
    assertThat(Tensors.toFloats(actual))
        .usingComparatorWithPrecision(largest * 1e-5f)
        .containsExactly(wanted);
  }
}
