package dev.octet.quantize.report;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How one tensor was quantized and how well its values fit. What was not measured is null.
 *
 * @param name name of the tensor in the float model
 * @param role what the tensor is
 * @param producer node that computes it; null for a weight, a bias or an input of the model
 * @param consumers nodes that read it
 * @param format its number format in words, such as {@code uint8 affine per tensor}
 * @param observed smallest and largest finite value seen
 * @param chosen the interval its codes cover
 * @param scales its scales in brief
 * @param zeroPoint its zero point; null when channels differ or it has none
 * @param sqnrDb SQNR in dB of the tensor against its own quantized form, see {@link OutputReport}
 *     for the formula
 * @param saturated fraction of values that fell outside the chosen interval and were clipped, 0 to
 *     1
 * @param unusedCodes fraction of codes that no value reached, 0 to 1
 * @param nanCount NaN values seen; they were left out of the statistics
 * @param infiniteCount infinite values seen; they were left out of the statistics
 * @param allZeroTensor whether every value is zero, so that the scale is 1 by rule
 * @param allZeroChannels channels whose every value is zero, so that their scale is 1 by rule; 0
 *     without channels
 * @param histogram how its values are spread
 */
public record TensorReport(
    String name,
    Role role,
    @Nullable String producer,
    List<String> consumers,
    String format,
    @Nullable Interval observed,
    @Nullable Interval chosen,
    @Nullable ScaleSummary scales,
    @Nullable Long zeroPoint,
    @Nullable Double sqnrDb,
    @Nullable Double saturated,
    @Nullable Double unusedCodes,
    long nanCount,
    long infiniteCount,
    boolean allZeroTensor,
    int allZeroChannels,
    @Nullable ValueHistogram histogram) {

  /** What a tensor is to the model. */
  public enum Role {
    /** Computed from the input, or the input itself. */
    ACTIVATION,
    /** Trained, and held in few bits. */
    WEIGHT,
    /** Trained, and held in the accumulator's format. */
    BIAS
  }

  /** Copies the consumers; refuses missing parts, negative counts and fractions outside 0 to 1. */
  public TensorReport {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(format, "format");
    consumers = List.copyOf(consumers);
    Check.fraction(saturated, "saturated");
    Check.fraction(unusedCodes, "unusedCodes");
    Check.notNegative(nanCount, "nanCount");
    Check.notNegative(infiniteCount, "infiniteCount");
    Check.notNegative(allZeroChannels, "allZeroChannels");
  }

  /**
   * Starts the report of one tensor.
   *
   * @param format its number format in words, such as {@code int8 symmetric per channel (axis 0)}
   */
  public static Builder of(String name, Role role, String format) {
    return new Builder(name, role, format);
  }

  /** Collects what is known of a tensor; everything not set is unknown, counts are 0. */
  public static final class Builder {
    private final String name;
    private final Role role;
    private final String format;
    private @Nullable String producer;
    private List<String> consumers = List.of();
    private @Nullable Interval observed;
    private @Nullable Interval chosen;
    private @Nullable ScaleSummary scales;
    private @Nullable Long zeroPoint;
    private @Nullable Double sqnrDb;
    private @Nullable Double saturated;
    private @Nullable Double unusedCodes;
    private long nanCount;
    private long infiniteCount;
    private boolean allZeroTensor;
    private int allZeroChannels;
    private @Nullable ValueHistogram histogram;

    private Builder(String name, Role role, String format) {
      this.name = name;
      this.role = role;
      this.format = format;
    }

    /** Sets the node that computes the tensor, null for none, and the nodes that read it. */
    public Builder between(@Nullable String producer, List<String> consumers) {
      this.producer = producer;
      this.consumers = List.copyOf(consumers);
      return this;
    }

    /** Sets the smallest and largest finite value seen. */
    public Builder observed(double min, double max) {
      this.observed = new Interval(min, max);
      return this;
    }

    /** Sets the interval that the codes cover. */
    public Builder chosen(double min, double max) {
      this.chosen = new Interval(min, max);
      return this;
    }

    /** Sets the scales, and the zero point where all channels share one. */
    public Builder parameters(@Nullable ScaleSummary scales, @Nullable Long zeroPoint) {
      this.scales = scales;
      this.zeroPoint = zeroPoint;
      return this;
    }

    /** Sets the SQNR in dB of the tensor against its own quantized form. */
    public Builder sqnrDb(@Nullable Double sqnrDb) {
      this.sqnrDb = sqnrDb;
      return this;
    }

    /** Sets the fraction of values clipped and the fraction of codes never reached, each 0 to 1. */
    public Builder fit(@Nullable Double saturated, @Nullable Double unusedCodes) {
      this.saturated = saturated;
      this.unusedCodes = unusedCodes;
      return this;
    }

    /** Sets how many values were not finite. */
    public Builder notFinite(long nanCount, long infiniteCount) {
      this.nanCount = nanCount;
      this.infiniteCount = infiniteCount;
      return this;
    }

    /** Sets whether the whole tensor, and how many of its channels, are zero throughout. */
    public Builder allZero(boolean tensor, int channels) {
      this.allZeroTensor = tensor;
      this.allZeroChannels = channels;
      return this;
    }

    /** Sets how the values are spread. */
    public Builder histogram(@Nullable ValueHistogram histogram) {
      this.histogram = histogram;
      return this;
    }

    /** The tensor's report. */
    public TensorReport build() {
      return new TensorReport(
          name,
          role,
          producer,
          consumers,
          format,
          observed,
          chosen,
          scales,
          zeroPoint,
          sqnrDb,
          saturated,
          unusedCodes,
          nanCount,
          infiniteCount,
          allZeroTensor,
          allZeroChannels,
          histogram);
    }
  }
}
