package dev.octet.quantize.report;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What became of one node of the model. A measure that was not taken is null; a measure that is not
 * a number is NaN.
 *
 * @param node name of the node, unique within the report
 * @param opType its operator, such as {@code Conv}
 * @param quantized whether it computes on quantized values
 * @param floatReason why it stayed in float; null when it is quantized
 * @param weightBits bits per weight; null without weights or in float
 * @param bytesBefore bytes of its weights and bias in the float model
 * @param bytesAfter bytes of the same in the written model, scales and zero points included
 * @param outputSqnrDb SQNR in dB of its first output against the float model, with the error of all
 *     layers before it in it; see {@link OutputReport} for the formula
 * @param cosine cosine of the same pair
 * @param localSqnrDb SQNR in dB when this layer alone is quantized and its input is exact
 * @param macs multiply-accumulate operations for one sample
 */
public record LayerReport(
    String node,
    String opType,
    boolean quantized,
    @Nullable String floatReason,
    @Nullable Integer weightBits,
    long bytesBefore,
    long bytesAfter,
    @Nullable Double outputSqnrDb,
    @Nullable Double cosine,
    @Nullable Double localSqnrDb,
    @Nullable Long macs) {

  /** Refuses missing names, negative counts, and a quantized layer with a reason not to be. */
  public LayerReport {
    Objects.requireNonNull(node, "node");
    Objects.requireNonNull(opType, "opType");
    if (quantized && floatReason != null) {
      throw new IllegalArgumentException(
          "layer '" + node + "' is quantized but has a reason to stay float; drop one of the two");
    }
    Check.notNegative(bytesBefore, "bytesBefore");
    Check.notNegative(bytesAfter, "bytesAfter");
    if (macs != null) {
      Check.notNegative(macs, "macs");
    }
  }

  /** A layer that computes on quantized values. */
  public static Builder quantized(String node, String opType) {
    return new Builder(node, opType, true, null);
  }

  /**
   * A layer left in float.
   *
   * @param reason why, in words that read well in a list; layers with equal reasons are grouped
   */
  public static Builder inFloat(String node, String opType, String reason) {
    return new Builder(node, opType, false, reason);
  }

  /** A layer of which is only known how it compares, as when two given models are compared. */
  public static Builder compared(String node, String opType, boolean quantized) {
    return new Builder(node, opType, quantized, null);
  }

  /** Collects what is known of a layer; everything not set is unknown, sizes are 0. */
  public static final class Builder {
    private final String node;
    private final String opType;
    private final boolean quantized;
    private final @Nullable String floatReason;
    private @Nullable Integer weightBits;
    private long bytesBefore;
    private long bytesAfter;
    private @Nullable Double outputSqnrDb;
    private @Nullable Double cosine;
    private @Nullable Double localSqnrDb;
    private @Nullable Long macs;

    private Builder(String node, String opType, boolean quantized, @Nullable String floatReason) {
      this.node = node;
      this.opType = opType;
      this.quantized = quantized;
      this.floatReason = floatReason;
    }

    /** Sets the bits per weight. */
    public Builder weightBits(@Nullable Integer bits) {
      this.weightBits = bits;
      return this;
    }

    /** Sets the bytes of weights and bias in the float model and in the written one. */
    public Builder bytes(long before, long after) {
      this.bytesBefore = before;
      this.bytesAfter = after;
      return this;
    }

    /** Sets how its output compares with the float model's, errors of earlier layers included. */
    public Builder output(@Nullable Double sqnrDb, @Nullable Double cosine) {
      this.outputSqnrDb = sqnrDb;
      this.cosine = cosine;
      return this;
    }

    /** Sets the SQNR in dB with this layer alone quantized. */
    public Builder localSqnrDb(@Nullable Double sqnrDb) {
      this.localSqnrDb = sqnrDb;
      return this;
    }

    /** Sets the multiply-accumulate operations for one sample. */
    public Builder macs(@Nullable Long macs) {
      this.macs = macs;
      return this;
    }

    /** The layer's report. */
    public LayerReport build() {
      return new LayerReport(
          node,
          opType,
          quantized,
          floatReason,
          weightBits,
          bytesBefore,
          bytesAfter,
          outputSqnrDb,
          cosine,
          localSqnrDb,
          macs);
    }
  }
}
