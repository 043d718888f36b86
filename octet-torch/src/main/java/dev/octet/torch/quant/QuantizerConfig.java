package dev.octet.torch.quant;

import dev.octet.core.affine.Arithmetic;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;

/**
 * All that a {@link TensorQuantizer} is told, as data: what it is besides its tensors.
 *
 * @param descriptor integers, granularity, fixed range, range method
 * @param arithmetic {@code ONNX}: the scale is amax / qmax and divides, as every runtime of the
 *     exported model does; {@code LIBTORCH_2_10} multiplies by the scale's reciprocal; {@code
 *     PYTORCH_QUANTIZATION} is the original toolkit, bit for bit
 * @param fakeQuant whether real values come out; otherwise the integers behind them, as floats,
 *     always in the narrow range, which only {@code PYTORCH_QUANTIZATION} has
 * @param scaleAmax multiplies the range when it is used; it is never part of what is stored
 * @param learned which of the constants train
 * @param disabled whether inputs pass as they are, but for the scale before quantization
 * @param quant whether inputs are quantized
 * @param clip whether inputs are clipped to learned bounds
 * @param calib whether inputs are collected
 */
public record QuantizerConfig(
    QuantDescriptor descriptor,
    Arithmetic arithmetic,
    boolean fakeQuant,
    float scaleAmax,
    Learned learned,
    boolean disabled,
    boolean quant,
    boolean clip,
    boolean calib) {

  /** Which constants of a quantizer train. */
  public enum Learned {
    /** None: the range is given, calibrated or that of each tensor. */
    NOTHING,
    /** Two bounds that clip (PACT, arXiv 1805.06085); one range for the whole tensor. */
    BOUNDS,
    /** Scale and, if affine, zero point (LSQ, arXiv 1902.08153; LSQ+, arXiv 2004.09576). */
    STEP
  }

  public QuantizerConfig {
    switch (arithmetic) {
      case ONNX, LIBTORCH_2_10 -> {}
      case PYTORCH_QUANTIZATION -> {
        if (!descriptor.symmetric()) {
          throw new IllegalArgumentException(
              "pytorch-quantization's arithmetic has no zero points; choose symmetric integers");
        }
        if (learned == Learned.STEP) {
          throw new IllegalArgumentException(
              "pytorch-quantization learns no scale; choose ONNX arithmetic or learned bounds");
        }
      }
      default ->
          throw new IllegalArgumentException(
              arithmetic
                  + " is no arithmetic of a quantizer; choose ONNX, LIBTORCH_2_10 or"
                  + " PYTORCH_QUANTIZATION");
    }
    if (!fakeQuant && arithmetic != Arithmetic.PYTORCH_QUANTIZATION) {
      throw new IllegalArgumentException(
          "integers come out in pytorch-quantization's arithmetic only; choose it, or fakeQuant");
    }
    if (descriptor.float8() != null && (learned != Learned.NOTHING || !fakeQuant)) {
      throw new IllegalArgumentException(
          descriptor.float8() + " has no integers to give out, and nothing of it is learned");
    }
    if (!(scaleAmax > 0 && scaleAmax < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "scaleAmax is " + scaleAmax + "; it must be positive and finite");
    }
    if (learned == Learned.BOUNDS && !(descriptor.granularity() instanceof Granularity.PerTensor)) {
      throw new IllegalArgumentException(
          "learned bounds are for a whole tensor, not "
              + descriptor.granularity()
              + "; learn the scale, or choose per tensor");
    }
    if (clip && learned != Learned.BOUNDS) {
      throw new IllegalArgumentException("only learned bounds clip; turn on learnAmax");
    }
  }

  /** The settings of a quantizer that is just described: enabled, quantizing, nothing learned. */
  public static QuantizerConfig of(QuantDescriptor descriptor) {
    return builder(descriptor).build();
  }

  /** A builder that starts from {@link #of}. */
  public static Builder builder(QuantDescriptor descriptor) {
    return new Builder(descriptor);
  }

  /** A builder that starts from these settings. */
  public Builder toBuilder() {
    Builder builder = new Builder(descriptor);
    builder.arithmetic = arithmetic;
    builder.fakeQuant = fakeQuant;
    builder.scaleAmax = scaleAmax;
    builder.learned = learned;
    builder.disabled = disabled;
    builder.quant = quant;
    builder.clip = clip;
    builder.calib = calib;
    return builder;
  }

  /** Collects settings; {@link #build} checks them. */
  public static final class Builder {
    private QuantDescriptor descriptor;
    private Arithmetic arithmetic = Arithmetic.ONNX;
    private boolean fakeQuant = true;
    private float scaleAmax = 1;
    private Learned learned = Learned.NOTHING;
    private boolean disabled;
    private boolean quant = true;
    private boolean clip;
    private boolean calib;

    private Builder(QuantDescriptor descriptor) {
      this.descriptor = descriptor;
    }

    /** Sets another descriptor. */
    public Builder descriptor(QuantDescriptor value) {
      descriptor = value;
      return this;
    }

    /** Sets whose arithmetic is followed; ONNX unless set. */
    public Builder arithmetic(Arithmetic value) {
      arithmetic = value;
      return this;
    }

    /** Sets whether real values come out; true unless set. */
    public Builder fakeQuant(boolean value) {
      fakeQuant = value;
      return this;
    }

    /** Sets the factor on the range, positive; 1 unless set. */
    public Builder scaleAmax(float value) {
      scaleAmax = value;
      return this;
    }

    /** Sets what trains; nothing unless set. Bounds start with clipping on. */
    public Builder learned(Learned value) {
      learned = value;
      clip = value == Learned.BOUNDS;
      return this;
    }

    /** Sets whether inputs pass as they are; false unless set. */
    public Builder disabled(boolean value) {
      disabled = value;
      return this;
    }

    /** Sets whether inputs are quantized; true unless set. */
    public Builder quant(boolean value) {
      quant = value;
      return this;
    }

    /** Sets whether inputs are clipped to learned bounds; true with such bounds unless set. */
    public Builder clip(boolean value) {
      clip = value;
      return this;
    }

    /** Sets whether inputs are collected; false unless set. */
    public Builder calib(boolean value) {
      calib = value;
      return this;
    }

    /**
     * The settings.
     *
     * @throws IllegalArgumentException if they do not go together
     */
    public QuantizerConfig build() {
      return new QuantizerConfig(
          descriptor, arithmetic, fakeQuant, scaleAmax, learned, disabled, quant, clip, calib);
    }
  }
}
