package dev.octet.workflows.distiller;

import dev.octet.core.affine.QuantParams;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** What a quantizer makes of a parameter. */
interface ParamRounding {
  /** The quantized values, through which gradients reach the float ones. */
  Tensor apply(Tensor floating, ParamToQuant param);

  /** The integers that stand for the quantized values in a trace; null if none do. */
  @Nullable QuantParams integers(Tensor floating, ParamToQuant param);
}
