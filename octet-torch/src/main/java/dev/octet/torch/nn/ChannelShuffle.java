package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/**
 * Deals out channels as cards: of {@code [N, C, spatial...]}, channel {@code i} of group {@code g}
 * becomes channel {@code i · groups + g}.
 *
 * <p>Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile
 * Devices".
 */
public final class ChannelShuffle extends Module {
  private final long groups;

  /**
   * A layer without parameters.
   *
   * @param groups how many groups of neighbouring channels there are, 1 or more; they must divide
   *     the channels evenly
   */
  public ChannelShuffle(long groups) {
    this.groups = Inputs.atLeast(1, "the number of groups", groups);
  }

  @Override
  protected Tensor forward(Tensor x) {
    if (x.dim() < 3 || x.numel() == 0 || x.size(1) % groups != 0) {
      throw new IllegalArgumentException(
          "it takes [N, C, spatial...] with at least one element and C a multiple of "
              + groups
              + ", not "
              + Tensors.describe(x));
    }
    long[] shape = Tensors.shape(x);
    Tensor grouped = Ops.reshape(x, shape[0], groups, shape[1] / groups, -1);
    return Ops.reshape(Ops.transpose(grouped, 1, 2), shape);
  }

  @Override
  protected String settings() {
    return "groups=" + groups;
  }
}
