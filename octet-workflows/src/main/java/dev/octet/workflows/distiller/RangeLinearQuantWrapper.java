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
import dev.octet.workflows.distiller.stats.LayerStats;
import dev.octet.workflows.distiller.stats.TensorStats;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A layer that computes as its integer form would: inputs are quantized, the operation runs on the
 * integers into an accumulator, a rectifier that follows is applied, and the accumulator is brought
 * to the integers of the output, which are handed on as float values. For eval alone.
 *
 * <p>With statistics the output's scale and zero point are fixed: buffers {@code output_scale} and
 * {@code output_zero_point}. Without, they follow each batch.
 *
 * <p>An input that a quantized layer made has the integers of that layer. It is known by its
 * object: what a view, a reshape or a split made of it is another tensor and not known, except
 * behind Identity, Flatten and Dropout modules, which hand on what they know. Other inputs are
 * quantized as {@code input_overrides} say, or as the output is if {@code
 * inputs_quant_auto_fallback} is on.
 *
 * <p>A trace of it holds the float operation between QuantizeLinear and DequantizeLinear nodes of
 * the same integers.
 */
public abstract class RangeLinearQuantWrapper extends Module {
  /**
   * What all wrappers are told.
   *
   * @param name the layer's path, for messages
   * @param acts how the output is quantized
   * @param bitsAccum bits of the accumulator, 2 to 32
   * @param scaleApproxMultBits bits of the multiplier that factors are approximated by; null for
   *     exact ones
   * @param stats null to follow each batch
   * @param inputOverrides by the input's index
   * @param inputsFallback whether inputs of unknown scale are quantized as the output is
   * @param values knows the scales of tensors
   */
  record Settings(
      String name,
      ActivationSettings acts,
      int bitsAccum,
      @Nullable Integer scaleApproxMultBits,
      @Nullable LayerStats stats,
      Map<Integer, InputOverride> inputOverrides,
      boolean inputsFallback,
      QuantizedValues values) {}

  /**
   * An input that was quantized.
   *
   * @param codes whole numbers
   * @param params what they stand for
   * @param real the values that they stand for; followed by a trace
   */
  record Input(Tensor codes, DistillerLinear params, Tensor real) {
    float scale() {
      return params.scales()[0];
    }
  }

  /** What an operation on integers gave. */
  static final class Accumulator {
    private final Tensor value;
    private final float[] scales;
    private final long[] shape;

    /**
     * A result.
     *
     * @param value whole numbers, but for float modules
     * @param scales what to divide it by, one for each index of a dimension or one for all
     * @param shape in which the scales broadcast against the value
     */
    Accumulator(Tensor value, float[] scales, long... shape) {
      this.value = value;
      this.scales = scales;
      this.shape = shape;
    }
  }

  private final Settings settings;
  private final @Nullable Tensor outputScale;
  private final @Nullable Tensor outputZeroPoint;
  private final Map<Integer, DistillerLinear> fixedInputs = new LinkedHashMap<>();
  private volatile boolean exact;

  RangeLinearQuantWrapper(Settings settings) {
    this.settings = settings;
    ActivationSettings acts = settings.acts();
    LayerStats stats = settings.stats();
    if (acts.bits() == null || stats == null) {
      outputScale = null;
      outputZeroPoint = null;
      return;
    }
    TensorStats output = stats.output();
    if (output == null) {
      throw new IllegalArgumentException(
          "the statistics of layer '" + settings.name() + "' say nothing of its output");
    }
    DistillerLinear params = acts.params(output, "the output of '" + settings.name() + "'");
    outputScale = buffer("output_scale", Tensors.of(params.scales(), 1));
    outputZeroPoint = buffer("output_zero_point", Tensors.of(params.zeroPoints(), 1));
    stats
        .inputs()
        .forEach(
            (index, input) -> {
              ActivationSettings how = inputSettings(index);
              if (how != null && input.isSeen()) {
                fixedInputs.put(index, how.params(input, inputName(index)));
              }
            });
  }

  // --- What the kinds of wrappers say ------------------------------------------------------------

  /** The operation on integers. */
  abstract Accumulator accumulate(List<Input> inputs, @Nullable DistillerLinear output);

  /** The same on the values that the integers stand for, with operations that a trace follows. */
  abstract Tensor real(List<Input> inputs);

  /** The layer without quantized activations, if it can be that. */
  Tensor floatForward(Tensor[] inputs) {
    throw new IllegalStateException("'" + settings.name() + "' has no bits for activations");
  }

  /** The layer without any quantization: what it computed before. */
  Tensor exactForward(Tensor[] inputs) {
    List<Input> given = new ArrayList<>();
    for (Tensor x : inputs) {
      given.add(new Input(x, DistillerLinear.of(1, 0, -1, 1), x));
    }
    return real(given);
  }

  /** Switches to {@link #exactForward} and back. */
  final void exact(boolean on) {
    exact = on;
  }

  // --- Forward -----------------------------------------------------------------------------------

  @Override
  protected final Tensor forward(Tensor[] inputs) {
    if (isTraining()) {
      throw new IllegalStateException(
          "'"
              + settings.name()
              + "' was quantized after training and cannot train; call eval() first");
    }
    if (exact || settings.acts().bits() == null) {
      Tensor output = exact ? exactForward(inputs) : floatForward(inputs);
      return settings.acts().halfRange() ? Ops.relu(output) : output;
    }
    List<Input> prepared = new ArrayList<>();
    for (int i = 0; i < inputs.length; i++) {
      prepared.add(prepare(i, inputs[i]));
    }
    DistillerLinear params;
    Tensor y;
    try (Torch.Switched noGrad = Torch.noGrad();
        Tracer.Pause untraced = Tracer.pause()) {
      DistillerLinear fixed = outputParams();
      Accumulator sum = accumulate(prepared, fixed);
      Tensor value = settings.acts().halfRange() ? sum.value.relu() : sum.value;
      params =
          fixed != null
              ? fixed
              : settings
                  .acts()
                  .params(
                      value.div(Tensors.of(sum.scales, sum.shape)),
                      "the output of '" + settings.name() + "'");
      float[] factors =
          Arithmetics.factors(params.scales()[0], sum.scales, settings.scaleApproxMultBits());
      Tensor q =
          Arithmetics.requantize(
              value,
              Tensors.of(factors, sum.shape),
              Tensors.of(params.zeroPoints(), 1),
              params.qmin(),
              params.qmax());
      y = Arithmetics.dequantize(q, params, 1);
    }
    if (Tracer.current() != null) {
      requireFixed();
      Tensor unrounded = real(prepared);
      if (settings.acts().halfRange()) {
        unrounded = Ops.relu(unrounded);
      }
      y = QuantOps.quantizeDequantize(y, unrounded, params.toQuantParams(Granularity.perTensor()));
    }
    settings.values().put(y, params);
    return y;
  }

  private void requireFixed() {
    if (settings.stats() == null) {
      throw new IllegalStateException(
          "'"
              + settings.name()
              + "' has a scale that follows each batch, which a graph of fixed scales cannot hold;"
              + " give the quantizer statistics");
    }
  }

  private Input prepare(int index, Tensor x) {
    if (!quantizesInputs()
        || (Tensors.type(x) != ScalarType.Float && Tensors.type(x) != ScalarType.Double)) {
      return new Input(x, DistillerLinear.of(1, 0, -1, 1), x);
    }
    DistillerLinear known = settings.values().get(x);
    InputOverride override = settings.inputOverrides().get(index);
    if (known != null && override != null) {
      throw new IllegalStateException(
          inputName(index)
              + " comes quantized from another layer, and input_overrides name it too; drop them");
    }
    DistillerLinear params = known;
    if (params == null) {
      params = unknownInput(index, x, override);
    }
    Tensor codes;
    Tensor real = x;
    try (Torch.Switched noGrad = Torch.noGrad();
        Tracer.Pause untraced = Tracer.pause()) {
      codes = Arithmetics.quantize(x, params, 1);
      if (known == null) {
        real = Arithmetics.dequantize(codes, params, 1);
      }
    }
    if (known == null && Tracer.current() != null) {
      requireFixed();
      real = QuantOps.quantizeDequantize(real, x, params.toQuantParams(Granularity.perTensor()));
    }
    return new Input(codes, params, real);
  }

  private DistillerLinear unknownInput(int index, Tensor x, @Nullable InputOverride override) {
    if (override != null && override.settings() == null) {
      DistillerLinear output = outputParams();
      if (output == null) {
        throw new IllegalStateException(
            inputName(index)
                + " is to be quantized as the output is, whose scale is known only afterwards; give"
                + " statistics, or its own settings");
      }
      return output;
    }
    ActivationSettings how = inputSettings(index);
    if (how == null) {
      throw new IllegalStateException(
          inputName(index)
              + " comes from no quantized layer; give input_overrides for it, or switch"
              + " inputs_quant_auto_fallback on");
    }
    if (settings.stats() == null) {
      return how.params(x, inputName(index));
    }
    DistillerLinear fixed = fixedInputs.get(index);
    if (fixed == null) {
      throw new IllegalStateException(
          inputName(index) + " comes from no quantized layer, and there are no statistics of it");
    }
    return fixed;
  }

  private @Nullable ActivationSettings inputSettings(int index) {
    InputOverride override = settings.inputOverrides().get(index);
    if (override != null) {
      return override.settings();
    }
    return settings.inputsFallback() ? settings.acts().withoutHalfRange() : null;
  }

  private String inputName(int index) {
    return "input " + index + " of '" + settings.name() + "'";
  }

  /** Whether inputs are quantized at all. */
  boolean quantizesInputs() {
    return true;
  }

  // --- Parameters
  // ----------------------------------------------------------------------------------

  final Settings wrapperSettings() {
    return settings;
  }

  /** Scale and zero point of the output as they are now; null if they follow each batch. */
  final @Nullable DistillerLinear outputParams() {
    if (outputScale == null || outputZeroPoint == null) {
      return null;
    }
    return settings
        .acts()
        .with(Tensors.toFloats(outputScale)[0], Tensors.toFloats(outputZeroPoint)[0]);
  }

  /**
   * The scales and zero points that are fixed, by Distiller's names: {@code output_scale}, {@code
   * output_zero_point}, {@code w_scale}, {@code w_zero_point}.
   */
  Map<String, float[]> linearQuantParams() {
    Map<String, float[]> params = new LinkedHashMap<>();
    if (outputScale != null && outputZeroPoint != null) {
      params.put("output_scale", Tensors.toFloats(outputScale));
      params.put("output_zero_point", Tensors.toFloats(outputZeroPoint));
    }
    return params;
  }

  /**
   * Sets one of these.
   *
   * @throws IllegalArgumentException if it is not there, or the values are of another number
   */
  void setLinearQuantParam(String param, float[] values) {
    if (outputScale == null || outputZeroPoint == null || values.length != 1) {
      throw noParam(param, values.length);
    }
    switch (param) {
      case "output_scale" -> {
        settings.acts().with(values[0], 0);
        fill(outputScale, values);
      }
      case "output_zero_point" -> fill(outputZeroPoint, values);
      default -> throw noParam(param, values.length);
    }
  }

  final IllegalArgumentException noParam(String param, int count) {
    Map<String, Integer> there = new LinkedHashMap<>();
    linearQuantParams().forEach((name, values) -> there.put(name, values.length));
    return new IllegalArgumentException(
        "'%s' has no '%s' of %d values to set; it has %s"
            .formatted(settings.name(), param, count, there));
  }

  static void fill(Tensor buffer, float[] values) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      buffer.copy_(Tensors.of(values, values.length).reshape(Tensors.shape(buffer)));
    }
  }

  /**
   * Clips the output anew, by what statistics say of it.
   *
   * @throws IllegalArgumentException if the mode does not suit the bits, or asks for figures that
   *     were not collected
   */
  final void clip(ClipMode mode) {
    TensorStats output = settings.stats() == null ? null : settings.stats().output();
    if (output == null || outputScale == null || outputZeroPoint == null) {
      throw new IllegalStateException("'" + settings.name() + "' has no fixed scale to clip");
    }
    DistillerLinear params =
        settings.acts().with(mode).params(output, "the output of '" + settings.name() + "'");
    fill(outputScale, params.scales());
    fill(outputZeroPoint, params.zeroPoints());
  }

  /** The ranges that are kept, by {@code output} and {@code weight}: lower and upper end. */
  Map<String, double[]> clipping() {
    Map<String, double[]> ranges = new LinkedHashMap<>();
    DistillerLinear output = outputParams();
    if (output != null) {
      ranges.put("output", LinearQuantMode.range(settings.acts().mode(), output, 0));
    }
    return ranges;
  }

  /**
   * Sets such a range; a symmetric mode takes the larger end.
   *
   * @throws IllegalArgumentException if there is none of that name, or the ends are upside down
   */
  void setClipping(String which, double low, double high) {
    if (!which.equals("output") || outputScale == null || outputZeroPoint == null) {
      throw new IllegalArgumentException(
          "'"
              + settings.name()
              + "' has no clipping of '"
              + which
              + "'; it has "
              + clipping().keySet());
    }
    DistillerLinear params =
        settings
            .acts()
            .mode()
            .params(settings.acts().requiredBits(), new double[] {low}, new double[] {high});
    fill(outputScale, params.scales());
    fill(outputZeroPoint, params.zeroPoints());
  }

  @Override
  protected String settings() {
    ActivationSettings acts = settings.acts();
    return "num_bits_acts="
        + (acts.bits() == null ? "None" : acts.bits())
        + ", mode="
        + acts.mode()
        + ", clip_acts="
        + acts.clip()
        + (acts.halfRange() ? ", half_range" : "")
        + ", num_bits_accum="
        + settings.bitsAccum()
        + ", "
        + (settings.stats() == null ? "dynamic" : "preset_activation_stats");
  }
}
