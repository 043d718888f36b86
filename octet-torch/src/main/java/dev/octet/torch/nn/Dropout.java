package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/**
 * In training, zeroes elements, or whole channels, at random and scales the others up; in eval does
 * nothing.
 *
 * <p>Srivastava et al., "Dropout"; channels: Tompson et al., "Efficient Object Localization Using
 * Convolutional Networks".
 */
public final class Dropout extends Module {
  private final double p;
  private final int dims; // of the channels to drop; 0 drops elements

  /**
   * Drops elements.
   *
   * @param p the probability of each, 0 to 1
   */
  public Dropout(double p) {
    this(p, 0);
  }

  private Dropout(double p, int dims) {
    if (!(p >= 0 && p <= 1)) {
      throw new IllegalArgumentException("the probability is " + p + ", not 0 to 1");
    }
    this.p = p;
    this.dims = dims;
  }

  /** Drops channels of {@code [N, C, L]}. */
  public static Dropout of1d(double p) {
    return new Dropout(p, 1);
  }

  /** Drops channels of {@code [N, C, H, W]}. */
  public static Dropout of2d(double p) {
    return new Dropout(p, 2);
  }

  /** Drops channels of {@code [N, C, D, H, W]}. */
  public static Dropout of3d(double p) {
    return new Dropout(p, 3);
  }

  @Override
  protected Tensor forward(Tensor x) {
    if (dims == 0) {
      Inputs.floating(x, null);
      return Ops.dropout(x, p, isTraining());
    }
    Inputs.batched(x, dims, 0, null);
    return Ops.featureDropout(x, p, isTraining());
  }

  @Override
  protected String settings() {
    return "p=" + p;
  }

  @Override
  public String toString() {
    return "Dropout" + (dims == 0 ? "" : dims + "d") + "(" + settings() + ")";
  }
}
