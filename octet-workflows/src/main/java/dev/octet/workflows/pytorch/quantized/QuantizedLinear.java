package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer of 8-bit integers, with ReLU behind it if wanted: {@code [..., in]} to {@code
 * [..., out]}, two dimensions or more.
 *
 * <p>State: {@code weight [out, in]}, {@code weight_scale}, {@code weight_zero_point} where not
 * zero, and {@code bias [out]}, which stays float.
 */
public final class QuantizedLinear extends QuantizedModule {
  static final String KIND = "Linear";

  private final CodedWeight weight;
  private final @Nullable Tensor bias;
  private final boolean relu;
  private final long in;
  private final long out;

  QuantizedLinear(
      QuantizedTensor weight,
      float @Nullable [] bias,
      List<QuantParams> inputs,
      @Nullable QuantParams output,
      boolean relu) {
    super(inputs, 1, output, true);
    long[] shape = weight.shape();
    if (shape.length != 2 || (bias != null && bias.length != shape[0])) {
      throw new IllegalArgumentException(
          "a linear layer has a weight [out, in] and a bias [out], not " + weight);
    }
    this.weight = CodedWeight.in(this::buffer, "weight", weight);
    this.bias = bias == null ? null : buffer("bias", Tensors.of(bias, bias.length));
    this.relu = relu;
    out = shape[0];
    in = shape[1];
  }

  static QuantizedLinear of(Parts parts) {
    Description is = parts.description();
    return new QuantizedLinear(
        parts.weight("weight"),
        parts.vector("bias"),
        is.knownInputs(),
        is.knownOutput(),
        is.relu());
  }

  /** The weight, {@code [out, in]}. */
  public QuantizedTensor weight() {
    return weight.quantized();
  }

  /** The bias, {@code [out]}, if there is one. */
  public @Nullable Tensor bias() {
    return bias;
  }

  @Override
  void check(Tensor... x) {
    super.check(x);
    if (x[0].dim() < 2 || x[0].size(-1) != in) {
      throw new IllegalArgumentException(
          "it takes [N, ..., " + in + "], not " + Tensors.describe(x[0]));
    }
  }

  @Override
  Tensor compute(Tensor... x) {
    Tensor y = Ops.linear(x[0], weight.real(), bias);
    return relu ? Ops.relu(y) : y;
  }

  @Override
  protected Description extraState() {
    return description(KIND).weight(weight.form()).relu(relu).build();
  }

  @Override
  protected String settings() {
    return "in_features="
        + in
        + ", out_features="
        + out
        + scaleText()
        + (bias == null ? ", bias=False" : "")
        + (relu ? ", relu=True" : "");
  }
}
