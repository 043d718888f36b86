package dev.octet.torch.quant;

import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.QuantOps;
import dev.octet.torch.op.Tracer;
import org.bytedeco.pytorch.Tensor;

/** Clips to two bounds that train: {@link FakeQuantize#clip}. */
public final class Clip extends Module {
  private final Tensor min;
  private final Tensor max;

  /**
   * A module with these bounds to start from.
   *
   * @throws IllegalArgumentException if the lower is not below the upper
   */
  public Clip(float min, float max) {
    if (!(min < max)) {
      throw new IllegalArgumentException(
          "bounds " + min + " and " + max + " hold nothing; give the smaller first");
    }
    this.min = parameter("clip_value_min", Tensors.scalar(min));
    this.max = parameter("clip_value_max", Tensors.scalar(max));
  }

  /** The lower bound. */
  public float min() {
    return Tensors.toFloats(min)[0];
  }

  /** The upper bound. */
  public float max() {
    return Tensors.toFloats(max)[0];
  }

  void learn(boolean on) {
    min.set_requires_grad(on);
    max.set_requires_grad(on);
  }

  @Override
  protected Tensor forward(Tensor x) {
    Tensor y = FakeQuantize.clip(x, min, max);
    return Tracer.current() == null ? y : QuantOps.clip(y, x, min(), max());
  }

  @Override
  protected String settings() {
    return "min=" + min() + ", max=" + max();
  }
}
