package dev.octet.torch.models;

import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/**
 * From images normalised by the means and deviations of ImageNet's channels, as other networks take
 * them, to the range -1 to 1 that the weights of the Inception networks were trained on: pixels p
 * from 0 to 1 become {@code (p - 0.5) / 0.5}.
 */
final class TransformInput extends Module {
  private static final double[] MEANS = {0.485, 0.456, 0.406};
  private static final double[] DEVIATIONS = {0.229, 0.224, 0.225};
  private static final double HALF = 0.5;

  @Override
  protected Tensor forward(Tensor x) {
    if (x.dim() != 4 || x.size(1) != MEANS.length) {
      throw new IllegalArgumentException("it takes [N, 3, H, W], not " + Tensors.describe(x));
    }
    float[] factors = new float[MEANS.length];
    float[] shifts = new float[MEANS.length];
    for (int i = 0; i < MEANS.length; i++) {
      factors[i] = (float) (DEVIATIONS[i] / HALF);
      shifts[i] = (float) ((MEANS[i] - HALF) / HALF);
    }
    Tensor scaled = Ops.mul(x, Ops.constant(Tensors.of(factors, 1, MEANS.length, 1, 1)));
    return Ops.add(scaled, Ops.constant(Tensors.of(shifts, 1, MEANS.length, 1, 1)));
  }
}
