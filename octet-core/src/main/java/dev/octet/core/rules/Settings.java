package dev.octet.core.rules;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.Range;
import org.jspecify.annotations.Nullable;

/**
 * Changes to a descriptor: what is null stays as it was.
 *
 * @param bits 2 to 16
 * @param signed whether the integers are signed
 * @param symmetric whether the zero point is 0
 * @param granularity which elements share a scale
 * @param method how the range is learned
 * @param fixedRange the range, not to be learned
 */
public record Settings(
    @Nullable Integer bits,
    @Nullable Boolean signed,
    @Nullable Boolean symmetric,
    @Nullable Granularity granularity,
    @Nullable RangeMethod method,
    @Nullable Range fixedRange) {

  /** No change. */
  public static final Settings NONE = new Settings(null, null, null, null, null, null);

  public Settings {
    if (bits != null && (bits < 2 || bits > 16)) {
      throw new IllegalArgumentException("bits is " + bits + "; choose 2 to 16");
    }
  }

  /** {@code base} with these changes. */
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
    if (granularity != null) {
      builder.granularity(granularity);
    }
    if (method != null) {
      builder.method(method);
    }
    if (fixedRange != null) {
      builder.fixedRange(fixedRange);
    }
    return builder.build();
  }
}
