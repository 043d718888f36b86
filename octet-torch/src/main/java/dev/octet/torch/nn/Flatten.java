package dev.octet.torch.nn;

import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/** Makes one dimension of several: {@code [N, C, H, W]} to {@code [N, C·H·W]} by default. */
public final class Flatten extends Module {
  private final int start;
  private final int end;

  /** All dimensions but the first as one. */
  public Flatten() {
    this(1, -1);
  }

  /** Dimensions {@code start} to {@code end}, both included; negative ones count from the last. */
  public Flatten(int start, int end) {
    this.start = start;
    this.end = end;
  }

  @Override
  protected Tensor forward(Tensor x) {
    return Ops.flatten(x, start, end);
  }

  @Override
  protected String settings() {
    return "start_dim=" + start + ", end_dim=" + end;
  }
}
