package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.ConvSettings;
import dev.octet.torch.op.Ops;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A convolution or transposed convolution of 8-bit integers over one to three dimensions, with ReLU
 * behind it if wanted: {@code [N, in, spatial...]} to {@code [N, out, spatial...]}.
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

  QuantizedConv(
      ConvSettings settings,
      QuantizedTensor weight,
      float @Nullable [] bias,
      List<QuantParams> inputs,
      @Nullable QuantParams output,
      boolean relu) {
    // A reflected padding is cut from the sizes at hand.
    super(inputs, 1, output, settings.paddingMode() == Ops.Padding.CONSTANT);
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
        is.relu());
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
    Tensor y = settings.convolve(x[0], weight.real(), bias);
    return relu ? Ops.relu(y) : y;
  }

  @Override
  Description describe() {
    return description(KIND).weight(weight.form()).conv(settings).relu(relu).build();
  }

  @Override
  protected String settings() {
    return settings
        + scaleText()
        + (settings.transposed() ? ", transposed=True" : "")
        + (bias == null ? ", bias=False" : "")
        + (relu ? ", relu=True" : "");
  }
}
