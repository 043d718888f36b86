package dev.octet.workflows.distiller;

import org.jspecify.annotations.Nullable;

/**
 * How many bits a layer's tensors are quantized to; null leaves them in float.
 *
 * @param acts of activations, 1 to 32
 * @param wts of weights, 1 to 32
 * @param bias of biases, 1 to 32
 */
public record QBits(@Nullable Integer acts, @Nullable Integer wts, @Nullable Integer bias) {
  /** Nothing is quantized. */
  public static final QBits NONE = new QBits(null, null, null);

  /** Checks the numbers. */
  public QBits {
    check("bits_activations", acts);
    check("bits_weights", wts);
    check("bits_bias", bias);
  }

  private static void check(String what, @Nullable Integer bits) {
    if (bits != null && (bits < 1 || bits > 32)) {
      throw new IllegalArgumentException(
          what + " is " + bits + "; choose 1 to 32, or null to leave them in float");
    }
  }

  /** Whether neither activations nor weights are quantized. */
  public boolean leavesFloat() {
    return acts == null && wts == null;
  }
}
