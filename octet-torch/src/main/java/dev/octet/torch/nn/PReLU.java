package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * {@code x} where positive, {@code weight · x} elsewhere. Its parameter is {@code weight [1]} for
 * all channels, or {@code [C]} with one for each.
 *
 * <p>He et al., "Delving deep into rectifiers".
 */
public final class PReLU extends Module {
  private final Tensor weight;

  /** One weight, which starts at 0.25. */
  public PReLU() {
    this(1, 0.25);
  }

  /**
   * Weights that start at one value.
   *
   * @param count 1, or the number of channels
   */
  public PReLU(long count, double start) {
    Inputs.atLeast(1, "the number of weights", count);
    weight = parameter("weight", Tensors.uninitialised(ScalarType.Float, count));
    Init.constant(weight, start);
  }

  /** A layer over the same parameter; both are to be closed. */
  public PReLU(PReLU from) {
    weight = share("weight", from.weight);
    sameModeAs(from);
  }

  @Override
  protected Tensor forward(Tensor x) {
    long count = weight.numel();
    if (count > 1 && (x.dim() < 2 || x.size(1) != count)) {
      throw new IllegalArgumentException(
          "it takes [N, " + count + ", ...], not " + Tensors.describe(x));
    }
    Inputs.floating(x, weight);
    return Ops.prelu(x, weight);
  }

  /** The slope for negative values. */
  public Tensor weight() {
    return weight;
  }

  @Override
  protected String settings() {
    return "num_parameters=" + weight.numel();
  }
}
