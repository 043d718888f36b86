package dev.octet.torch.models;

import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import org.bytedeco.pytorch.Tensor;

/**
 * A shortcut without parameters: every stride-th pixel, with channels of zeros put on both sides of
 * the input's.
 */
final class PaddedShortcut extends Module {
  private final long stride;
  private final long before;
  private final long after;

  PaddedShortcut(long in, long out, long stride) {
    this.stride = stride;
    before = (out - in) / 2;
    after = out - in - before;
  }

  @Override
  protected Tensor forward(Tensor x) {
    Tensor fewer = Ops.slice(x, 2, 0, x.size(2), stride);
    fewer = Ops.slice(fewer, 3, 0, x.size(3), stride);
    return Ops.pad(fewer, 0, 0, 0, 0, before, after);
  }

  @Override
  protected String settings() {
    return "stride=" + stride + ", channels=" + before + "+" + after;
  }
}
