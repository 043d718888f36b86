package dev.octet.core.descriptor;

import dev.octet.core.format.Float8;
import dev.octet.core.range.Range;
import org.jspecify.annotations.Nullable;

/**
 * How one tensor is quantized: which integers, and how their range is found.
 *
 * <p>Symmetric means that the zero point is 0: signed integers cover {@code [-amax, amax]},
 * unsigned ones {@code [0, amax]} (as pytorch-quantization's do). Affine integers cover any
 * interval that holds zero.
 *
 * <p>In place of integers it can be floats of 8 bits, symmetric, of which the largest one stands
 * for amax. Methods that weigh the errors of integers have no meaning for them.
 *
 * @param name a name for messages, or null
 * @param bits 2 to 16
 * @param signed whether the integers are centred on zero
 * @param symmetric whether the zero point is 0
 * @param narrow whether the most negative integer is left out, so that the range is symmetric; only
 *     when signed
 * @param granularity which elements share a scale
 * @param fixedRange the range, where it is not to be learned; or null
 * @param method how the range is learned
 * @param float8 which floats of 8 bits stand in the place of integers; or null
 */
public record QuantDescriptor(
    @Nullable String name,
    int bits,
    boolean signed,
    boolean symmetric,
    boolean narrow,
    Granularity granularity,
    @Nullable Range fixedRange,
    RangeMethod method,
    @Nullable Float8 float8) {

  public QuantDescriptor {
    if (bits < 2 || bits > 16) {
      throw new IllegalArgumentException("bits is " + bits + "; choose 2 to 16");
    }
    if (narrow && !signed) {
      throw new IllegalArgumentException("narrow range needs signed; drop one of the two");
    }
    if (fixedRange != null && !signed && symmetric && fixedRange.min() < 0) {
      throw new IllegalArgumentException(
          "fixed range starts at "
              + fixedRange.min()
              + ", which unsigned symmetric integers cannot hold; use signed or affine ones");
    }
    if (float8 != null && (bits != 8 || !signed || !symmetric || narrow)) {
      throw new IllegalArgumentException(
          float8 + " are signed symmetric 8 bits in their full range; drop what says otherwise");
    }
    if (float8 != null
        && (method instanceof RangeMethod.Entropy
            || method instanceof RangeMethod.Mse
            || method instanceof RangeMethod.Octav
            || method instanceof RangeMethod.Aciq)) {
      throw new IllegalArgumentException(
          "the method " + method + " weighs errors of integers; for " + float8 + " choose minmax");
    }
  }

  /** The smallest integer. */
  public int qmin() {
    if (!signed) {
      return 0;
    }
    return narrow ? -qmax() : -(1 << (bits - 1));
  }

  /** The largest integer. */
  public int qmax() {
    return signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
  }

  /** Signed symmetric 8-bit integers without -128, one scale an index of {@code axis}. */
  public static QuantDescriptor int8Weight(int axis) {
    return builder().narrow(true).granularity(Granularity.perAxis(axis)).build();
  }

  /** Unsigned affine 8-bit integers, one scale for the tensor. */
  public static QuantDescriptor uint8Activation() {
    return builder().signed(false).symmetric(false).build();
  }

  /** Floats of 8 bits, 4 of them exponent, one scale for the tensor; the original's (4, 3). */
  public static QuantDescriptor e4m3() {
    return builder().float8(Float8.E4M3FN).build();
  }

  /** Signed symmetric 8-bit integers, one scale for the tensor. */
  public static QuantDescriptor int8Activation() {
    return builder().build();
  }

  /** A builder that starts from signed symmetric full-range 8-bit integers, per tensor, min-max. */
  public static Builder builder() {
    return new Builder();
  }

  /** A builder that starts from this descriptor. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.name = name;
    builder.bits = bits;
    builder.signed = signed;
    builder.symmetric = symmetric;
    builder.narrow = narrow;
    builder.granularity = granularity;
    builder.fixedRange = fixedRange;
    builder.method = method;
    builder.float8 = float8;
    return builder;
  }

  /** Such as {@code int8 narrow symmetric per channel of axis 0, minmax}. */
  @Override
  public String toString() {
    return (name == null ? "" : name + ": ")
        + (float8 != null ? "float8 " + float8 : (signed ? "int" : "uint") + bits)
        + (narrow ? " narrow" : "")
        + (symmetric ? " symmetric " : " affine ")
        + granularity
        + ", "
        + (fixedRange == null
            ? method
            : "fixed [" + fixedRange.min() + ", " + fixedRange.max() + "]");
  }

  /** Collects settings; {@link #build} checks them. */
  public static final class Builder {
    private @Nullable String name;
    private int bits = 8;
    private boolean signed = true;
    private boolean symmetric = true;
    private boolean narrow;
    private Granularity granularity = Granularity.perTensor();
    private @Nullable Range fixedRange;
    private RangeMethod method = new RangeMethod.MinMax();
    private @Nullable Float8 float8;

    private Builder() {}

    /** Sets the name used in messages; none unless set. */
    public Builder name(@Nullable String value) {
      name = value;
      return this;
    }

    /** Sets the width, 2 to 16; 8 unless set. */
    public Builder bits(int value) {
      bits = value;
      return this;
    }

    /** Sets whether integers are signed; true unless set. */
    public Builder signed(boolean value) {
      signed = value;
      return this;
    }

    /** Sets whether the zero point is 0; true unless set. */
    public Builder symmetric(boolean value) {
      symmetric = value;
      return this;
    }

    /** Sets whether the most negative integer is left out; false unless set. */
    public Builder narrow(boolean value) {
      narrow = value;
      return this;
    }

    /** Sets which elements share a scale; all of them unless set. */
    public Builder granularity(Granularity value) {
      granularity = value;
      return this;
    }

    /** Fixes the range; learned unless set. */
    public Builder fixedRange(@Nullable Range value) {
      fixedRange = value;
      return this;
    }

    /** Sets how the range is learned; min-max unless set. */
    public Builder method(RangeMethod value) {
      method = value;
      return this;
    }

    /** Sets floats of 8 bits in the place of integers; null for integers, as unless set. */
    public Builder float8(@Nullable Float8 value) {
      float8 = value;
      return this;
    }

    /**
     * The descriptor.
     *
     * @throws IllegalArgumentException if the settings do not go together
     */
    public QuantDescriptor build() {
      return new QuantDescriptor(
          name, bits, signed, symmetric, narrow, granularity, fixedRange, method, float8);
    }
  }
}
