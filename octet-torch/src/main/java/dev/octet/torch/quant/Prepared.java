package dev.octet.torch.quant;

import org.bytedeco.pytorch.Tensor;

/** A way to quantize whose constants are made once and used by many calls, from any thread. */
interface Prepared extends AutoCloseable {

  /** What is left of {@code x}, of its type and shape, with the straight-through gradient. */
  Tensor apply(Tensor x);

  @Override
  void close();
}
