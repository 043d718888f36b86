package dev.octet.workflows.distiller.train;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.quant.DistillerFakeQuantize;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;

/**
 * PACT: an activation function that cuts values to {@code [0, clip_val]} and rounds them to one of
 * {@code 2^bits} levels, where {@code clip_val} is a parameter that trains.
 */
public final class LearnedClippedLinearQuantization extends Module {
  /** The smallest clip that training may reach; below it nothing would be left of the values. */
  public static final float SMALLEST = 0x1p-10f;

  private final int bits;
  private final Tensor clipVal;

  /**
   * A module.
   *
   * @param bits 1 to 16
   * @param initialClip above 0
   */
  public LearnedClippedLinearQuantization(int bits, float initialClip) {
    DistillerFakeQuantize.checkLevels(initialClip, bits);
    this.bits = bits;
    try (Scope scope = Scope.open()) {
      clipVal = parameter("clip_val", Tensors.of(new float[] {initialClip}, 1));
    }
  }

  /** The clip, one value. */
  public Tensor clipVal() {
    return clipVal;
  }

  @Override
  protected Tensor forward(Tensor x) {
    if (isTraining()) {
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope scope = Scope.open()) {
        clipVal.clamp_(new ScalarOptional(new Scalar(SMALLEST)));
      }
    }
    return DistillerFakeQuantize.learnedClip(x, clipVal, bits);
  }

  @Override
  protected void onTrain(boolean on) {
    if (!on) {
      try (Torch.Switched noGrad = Torch.noGrad();
          Scope scope = Scope.open()) {
        clipVal.clamp_(new ScalarOptional(new Scalar(SMALLEST)));
      }
    }
  }

  @Override
  protected String settings() {
    return "num_bits=" + bits + ", clip_val=" + Tensors.toFloats(clipVal)[0];
  }
}
