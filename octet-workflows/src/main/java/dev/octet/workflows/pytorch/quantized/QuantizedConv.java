package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.ConvSettings;
import dev.octet.torch.op.Ops;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A convolution or transposed convolution of 8-bit integers over one to three dimensions, with ReLU
 * behind it if wanted: {@code [N, in, spatial...]} to {@code [N, out, spatial...]}.
 *
 * <p>A dynamic one takes and gives real numbers; its input gets a scale in each call. A transposed
 * one then multiplies what the integers stand for, because ONNX has no transposed convolution of
 * integers: its weight is small, its products are floats.
 *
 * <p>State: {@code weight}, {@code weight_scale}, {@code weight_zero_point} where not zero, and
 * {@code bias [out]}, which stays float.
 */
public final class QuantizedConv extends QuantizedModule {
  static final String KIND = "Conv";

  private final ConvSettings settings;
  private final CodedWeight weight;
  private final @Nullable Tensor bias;
  private final boolean relu;
  private final Description.@Nullable Dynamic dynamic;

  QuantizedConv(
      ConvSettings settings,
      QuantizedTensor weight,
      float @Nullable [] bias,
      List<QuantParams> inputs,
      @Nullable QuantParams output,
      boolean relu) {
    this(settings, weight, bias, inputs, output, relu, null);
  }

  /** A dynamic one. */
  QuantizedConv(
      ConvSettings settings,
      QuantizedTensor weight,
      float @Nullable [] bias,
      Description.Dynamic dynamic,
      boolean relu) {
    this(settings, weight, bias, List.of(), null, relu, dynamic);
    Integer axis = this.weight.axis();
    if (dynamic.perToken() || (axis != null && axis != 0 && !settings.transposed())) {
      throw new IllegalArgumentException(
          "a dynamic convolution has one scale for its input, and scales of weights on axis 0");
    }
  }

  private QuantizedConv(
      ConvSettings settings,
      QuantizedTensor weight,
      float @Nullable [] bias,
      List<QuantParams> inputs,
      @Nullable QuantParams output,
      boolean relu,
      Description.@Nullable Dynamic dynamic) {
    // A reflected padding, for instance, is cut from the sizes at hand.
    super(inputs, dynamic == null ? 1 : 0, output, settings.takesAnySize());
    this.dynamic = dynamic;
    if (!Arrays.equals(weight.shape(), settings.weightShape())
        || (bias != null && bias.length != settings.outChannels())) {
      throw new IllegalArgumentException(
          "the weight is "
              + weight
              + ", not "
              + Arrays.toString(settings.weightShape())
              + ", or the bias not one number for each output channel");
    }
    this.settings = settings;
    this.weight = CodedWeight.in(this::buffer, "weight", weight);
    this.bias = bias == null ? null : buffer("bias", Tensors.of(bias, bias.length));
    this.relu = relu;
  }

  static QuantizedConv of(Parts parts) {
    Description is = parts.description();
    return new QuantizedConv(
        Description.need(is.conv(), "settings of its convolution"),
        parts.weight("weight"),
        parts.vector("bias"),
        is.knownInputs(),
        is.knownOutput(),
        is.relu(),
        is.dynamic());
  }

  /** The weight. */
  public QuantizedTensor weight() {
    return weight.quantized();
  }

  /** The bias, {@code [out]}, if there is one. */
  public @Nullable Tensor bias() {
    return bias;
  }

  /** Sizes, strides, padding. */
  public ConvSettings convSettings() {
    return settings;
  }

  @Override
  void check(Tensor... x) {
    super.check(x);
    if (x[0].dim() != settings.kernelSize().length + 2 || x[0].size(1) != settings.inChannels()) {
      throw new IllegalArgumentException(
          "it takes [N, "
              + settings.inChannels()
              + ", ...] of "
              + (settings.kernelSize().length + 2)
              + " dimensions, not "
              + Tensors.describe(x[0]));
    }
  }

  @Override
  Tensor compute(Tensor... x) {
    Tensor y = dynamic == null ? settings.convolve(x[0], weight.real(), bias) : product(x[0]);
    return relu ? Ops.relu(y) : y;
  }

  private Tensor product(Tensor x) {
    DynamicInput input = DynamicInput.of(settings.padded(x), Objects.requireNonNull(dynamic));
    if (settings.transposed()) {
      return settings.convolve(input.real(), weight.real(), bias);
    }
    Tensor sums =
        settings.convolveIntegers(
            input.levels(),
            weight.levels(),
            tracer ->
                DynamicInput.product(
                    "ConvInteger",
                    tracer,
                    input.codes(),
                    input.zero(),
                    weight,
                    weight.codes(tracer)));
    Tensor y = Ops.mul(sums, Ops.mul(input.step(), byChannel(weight.steps())));
    return bias == null ? y : Ops.add(y, byChannel(bias));
  }

  /** Numbers of output channels, to be broadcast; one number stays so. */
  private Tensor byChannel(Tensor numbers) {
    if (numbers.dim() == 0) {
      return numbers;
    }
    long[] shape = new long[settings.kernelSize().length + 1];
    Arrays.fill(shape, 1);
    shape[0] = settings.outChannels();
    return Ops.reshape(numbers, shape);
  }

  @Override
  protected Description extraState() {
    Description.Builder made = description(KIND).weight(weight.form()).conv(settings).relu(relu);
    return (dynamic == null ? made : made.dynamic(dynamic)).build();
  }

  @Override
  protected String settings() {
    return settings
        + scaleText()
        + (settings.transposed() ? ", transposed=True" : "")
        + (dynamic == null ? "" : ", dynamic=True")
        + (bias == null ? ", bias=False" : "")
        + (relu ? ", relu=True" : "");
  }
}
