package dev.octet.workflows.distiller.train;

import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.DistillerFakeQuantize;
import org.bytedeco.pytorch.Tensor;

/**
 * An activation function and its quantization in one: values are cut to {@code [0, clipVal]} and
 * rounded to one of {@code 2^bits} levels.
 */
public final class ClippedLinearQuantization extends Module {
  private final int bits;
  private final float clipVal;

  /**
   * A module.
   *
   * @param bits 1 to 16
   * @param clipVal above 0
   */
  public ClippedLinearQuantization(int bits, float clipVal) {
    DistillerFakeQuantize.checkLevels(clipVal, bits);
    this.bits = bits;
    this.clipVal = clipVal;
  }

  @Override
  protected Tensor forward(Tensor x) {
    return DistillerFakeQuantize.clipped(x, clipVal, bits);
  }

  @Override
  protected String settings() {
    return "num_bits=" + bits + ", clip_val=" + clipVal;
  }
}
