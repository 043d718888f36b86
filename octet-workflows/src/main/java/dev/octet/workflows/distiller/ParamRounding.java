package dev.octet.workflows.distiller;

import org.bytedeco.pytorch.Tensor;

/** What a quantizer makes of a parameter. */
interface ParamRounding {
  /** The quantized values, through which gradients reach the float ones. */
  Tensor apply(Tensor floating, ParamToQuant param);

  /** The quantized values, recorded in a trace as integers where some stand for them. */
  Tensor traced(Tensor quantized, Tensor floating, ParamToQuant param);
}
