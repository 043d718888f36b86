package dev.octet.workflows.distiller;

import dev.octet.core.affine.DistillerLinear;
import dev.octet.core.descriptor.Granularity;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.QuantOps;
import dev.octet.torch.op.Tracer;
import dev.octet.workflows.distiller.stats.TensorStats;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A convolution or Linear layer on integers: {@code (x_q + zp_x) · (w_q + zp_w) + b_q}, the bias at
 * {@code scale_x · scale_w}. Without bits for activations the layer computes in float with
 * quantized weights and bias.
 *
 * <p>State: {@code wrapped_module.weight} holds the whole numbers {@code w_q + zp_w}; {@code
 * w_scale}, {@code w_zero_point}: one value or {@code [out, 1, ...]}; {@code fp_bias} if there is a
 * bias; {@code float_weight} if float weights are saved.
 */
public final class RangeLinearQuantParamLayerWrapper extends RangeLinearQuantWrapper {
  /**
   * How weights are quantized.
   *
   * @param perChannel one scale for each output channel
   * @param clip settings of activations that are used for weights too; NONE keeps their range
   * @param saveFloat whether float weights are kept, so that scales can be set anew
   */
  record WeightSettings(
      int bits,
      LinearQuantMode mode,
      boolean perChannel,
      ClipMode clip,
      @Nullable Double clipNStds,
      boolean saveFloat) {}

  private final WeightSettings weights;
  private final Module layer;
  private final Tensor scale;
  private final Tensor zeroPoint;
  private final @Nullable Tensor floatBias;
  private final @Nullable Tensor floatWeight;
  private final int qmin;
  private final int qmax;

  /** Takes over the parameters of a layer, which the caller closes. */
  RangeLinearQuantParamLayerWrapper(Module from, Settings settings, WeightSettings weights) {
    super(settings);
    this.weights = weights;
    layer = child("wrapped_module", Layers.like(from, false)).get();
    Tensor weight = Layers.weight(from);
    DistillerLinear params = find(weight);
    qmin = params.qmin();
    qmax = params.qmax();
    long[] shape = scaleShape(params.scales().length);
    scale = buffer("w_scale", Tensors.of(params.scales(), shape));
    zeroPoint = buffer("w_zero_point", Tensors.of(params.zeroPoints(), shape));
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor bias = Layers.bias(from);
      floatBias = bias == null ? null : buffer("fp_bias", bias.detach().clone());
      floatWeight = weights.saveFloat() ? buffer("float_weight", weight.detach().clone()) : null;
    }
    quantize(weight, params);
    sameModeAs(from);
  }

  private DistillerLinear find(Tensor weight) {
    String what = "the weight of '" + wrapperSettings().name() + "'";
    if (weights.perChannel() && weights.clip() == ClipMode.AVG) {
      throw new IllegalArgumentException(
          what + " has no samples to average over in a channel; clip by another mode");
    }
    List<TensorStats> figures =
        weights.perChannel() ? Figures.ofChannels(weight) : List.of(Figures.of(weight));
    double[] low = new double[figures.size()];
    double[] high = new double[figures.size()];
    for (int i = 0; i < low.length; i++) {
      double[] range =
          weights
              .clip()
              .range(
                  weights.mode().isSymmetric(),
                  weights.bits(),
                  weights.clipNStds(),
                  false,
                  figures.get(i),
                  what);
      low[i] = range[0];
      high[i] = range[1];
    }
    return weights.mode().params(weights.bits(), low, high);
  }

  private long[] scaleShape(int count) {
    if (count == 1) {
      return new long[] {1};
    }
    long[] shape = new long[Math.toIntExact(Layers.weight(layer).dim())];
    Arrays.fill(shape, 1);
    shape[0] = count;
    return shape;
  }

  private void quantize(Tensor weight, DistillerLinear params) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      long[] shape = scaleShape(params.scales().length);
      Tensor codes = Arithmetics.quantize(weight, params, shape);
      Layers.weight(layer).copy_(codes.add(Tensors.of(params.zeroPoints(), shape)));
    }
  }

  private DistillerLinear weightParams() {
    return DistillerLinear.of(Tensors.toFloats(scale), Tensors.toFloats(zeroPoint), qmin, qmax);
  }

  @Override
  Accumulator accumulate(List<Input> inputs, @Nullable DistillerLinear output) {
    Input x = one(inputs);
    float[] scales = Tensors.toFloats(scale);
    for (int i = 0; i < scales.length; i++) {
      scales[i] *= x.scale();
    }
    Tensor sum = layer.call(Arithmetics.centered(x.codes(), x.params()));
    if (floatBias != null) {
      Tensor codes = biasCodes(floatBias, scales);
      sum = sum.add(codes.reshape(Layers.channelShape(layer, codes.numel())));
    }
    return new Accumulator(
        Arithmetics.accumulated(sum, wrapperSettings().bitsAccum()),
        scales,
        scales.length == 1 ? new long[] {1} : Layers.channelShape(layer, scales.length));
  }

  private Tensor biasCodes(Tensor bias, float[] scales) {
    int bits = wrapperSettings().bitsAccum();
    return Arithmetics.requantize(
        bias,
        Tensors.of(scales, scales.length),
        Tensors.of(new float[] {0}, 1),
        Arithmetics.accumulatorMin(bits),
        Arithmetics.accumulatorMax(bits));
  }

  @Override
  Tensor real(List<Input> inputs) {
    Input x = one(inputs);
    float[] scales = Tensors.toFloats(scale);
    for (int i = 0; i < scales.length; i++) {
      scales[i] *= x.scale();
    }
    Tensor bias = null;
    if (floatBias != null) {
      try (Tracer.Pause untraced = Tracer.pause()) {
        bias = biasCodes(floatBias, scales).div(Tensors.of(scales, scales.length));
      }
      bias = Ops.constant(bias);
    }
    return Layers.apply(layer, x.real(), realWeight(), bias);
  }

  /** The values of the integers; in a trace they are integers that are dequantized. */
  private Tensor realWeight() {
    DistillerLinear params = weightParams();
    Tensor values = Layers.weight(layer).div(scale);
    if (Tracer.current() == null) {
      return values;
    }
    Granularity granularity =
        params.scales().length == 1 ? Granularity.perTensor() : Granularity.perAxis(0);
    return QuantOps.quantizeDequantize(
        values.clone(),
        Ops.constant(values),
        params.toQuantParams(granularity),
        Tensors.shape(scale));
  }

  /** Whether {@link #exactForward} can be: float weights are kept. */
  boolean keepsFloat() {
    return floatWeight != null;
  }

  @Override
  Tensor exactForward(Tensor[] inputs) {
    if (inputs.length != 1 || floatWeight == null) {
      throw new IllegalStateException("float weights of this layer were not kept");
    }
    return Layers.apply(layer, inputs[0], floatWeight, floatBias);
  }

  @Override
  Tensor floatForward(Tensor[] inputs) {
    if (inputs.length != 1) {
      throw new IllegalArgumentException("it takes 1 input, not " + inputs.length);
    }
    Tensor bias = null;
    if (floatBias != null) {
      try (Torch.Switched noGrad = Torch.noGrad();
          Tracer.Pause untraced = Tracer.pause()) {
        float step =
            DistillerLinear.symmetricScale(
                wrapperSettings().bitsAccum(), floatBias.abs().max().item_float());
        float[] scales = {step};
        bias = biasCodes(floatBias, scales).div(Tensors.of(scales, 1));
      }
      bias = Ops.constant(bias);
    }
    return Layers.apply(layer, inputs[0], realWeight(), bias);
  }

  private static Input one(List<Input> inputs) {
    if (inputs.size() != 1) {
      throw new IllegalArgumentException("it takes 1 input, not " + inputs.size());
    }
    return inputs.get(0);
  }

  /** The integers of the weight, as floats. */
  Tensor weightCodes() {
    return Layers.weight(layer).sub(zeroPoint);
  }

  @Override
  Map<String, float[]> linearQuantParams() {
    Map<String, float[]> params = new LinkedHashMap<>(super.linearQuantParams());
    if (floatWeight != null) {
      params.put("w_scale", Tensors.toFloats(scale));
      params.put("w_zero_point", Tensors.toFloats(zeroPoint));
    }
    return params;
  }

  @Override
  void setLinearQuantParam(String param, float[] values) {
    boolean isScale = param.equals("w_scale");
    if (!isScale && !param.equals("w_zero_point")) {
      super.setLinearQuantParam(param, values);
      return;
    }
    float[] scales = Tensors.toFloats(scale);
    if (floatWeight == null || values.length != scales.length) {
      throw noParam(param, values.length);
    }
    setWeightParams(
        DistillerLinear.of(
            isScale ? values : scales, isScale ? Tensors.toFloats(zeroPoint) : values, qmin, qmax));
  }

  private void setWeightParams(DistillerLinear params) {
    fill(scale, params.scales());
    fill(zeroPoint, params.zeroPoints());
    quantize(Tensors.check(floatWeight, "the float weight"), params);
  }

  @Override
  Map<String, double[]> clipping() {
    Map<String, double[]> ranges = new LinkedHashMap<>(super.clipping());
    if (floatWeight != null && scale.numel() == 1) {
      ranges.put("weight", LinearQuantMode.range(weights.mode(), weightParams(), 0));
    }
    return ranges;
  }

  @Override
  void setClipping(String which, double low, double high) {
    if (!which.equals("weight") || floatWeight == null || scale.numel() != 1) {
      super.setClipping(which, low, high);
      return;
    }
    setWeightParams(weights.mode().params(weights.bits(), new double[] {low}, new double[] {high}));
  }

  @Override
  protected String settings() {
    return super.settings()
        + ", num_bits_params="
        + weights.bits()
        + ", weights "
        + weights.mode()
        + (weights.perChannel() ? " per channel" : "");
  }
}
