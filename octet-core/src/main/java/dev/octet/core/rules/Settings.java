package dev.octet.core.rules;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.Range;
import org.jspecify.annotations.Nullable;

/**
 * Changes to a descriptor: what is null stays as it was.
 *
 * <p>Rules and recipes name no axes, since those are the operator's: a granularity per axis means
 * per output channel, and blocks run along the axis that is summed over. So that settings which
 * mean the same are equal, the axes of a granularity are replaced as {@link #onOperatorAxes} does.
 *
 * @param bits 2 to 16
 * @param signed whether the integers are signed
 * @param symmetric whether the zero point is 0
 * @param narrow whether the most negative integer is left out
 * @param granularity which elements share a scale
 * @param method how the range is learned
 * @param fixedRange the range, not to be learned
 */
public record Settings(
    @Nullable Integer bits,
    @Nullable Boolean signed,
    @Nullable Boolean symmetric,
    @Nullable Boolean narrow,
    @Nullable Granularity granularity,
    @Nullable RangeMethod method,
    @Nullable Range fixedRange) {

  /** No change. */
  public static final Settings NONE = new Settings(null, null, null, null, null, null, null);

  public Settings {
    if (bits != null && (bits < 2 || bits > 16)) {
      throw new IllegalArgumentException("bits is " + bits + "; choose 2 to 16");
    }
    granularity = granularity == null ? null : onOperatorAxes(granularity);
  }

  /**
   * {@code granularity} with its axis left to the operator, which is written as 0 for channels and
   * 1 for blocks.
   */
  public static Granularity onOperatorAxes(Granularity granularity) {
    if (granularity instanceof Granularity.PerBlock block) {
      return Granularity.perBlock(1, block.size());
    }
    return granularity instanceof Granularity.PerAxis ? Granularity.perAxis(0) : granularity;
  }

  /**
   * {@code base} with these changes. Changing to unsigned integers drops a narrow range, and naming
   * a method without a range drops a fixed range, unless these settings ask for it themselves.
   *
   * @throws IllegalArgumentException if the result does not go together, such as narrow unsigned
   *     integers
   */
  public QuantDescriptor applyTo(QuantDescriptor base) {
    QuantDescriptor.Builder builder = base.toBuilder();
    if (bits != null) {
      builder.bits(bits);
    }
    if (signed != null) {
      builder.signed(signed);
      if (!signed) {
        builder.narrow(false);
      }
    }
    if (symmetric != null) {
      builder.symmetric(symmetric);
    }
    if (narrow != null) {
      builder.narrow(narrow);
    }
    if (granularity != null) {
      builder.granularity(granularity);
    }
    if (method != null) {
      builder.method(method).fixedRange(null);
    }
    if (fixedRange != null) {
      builder.fixedRange(fixedRange);
    }
    return builder.build();
  }
}
