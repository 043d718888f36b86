package dev.octet.engine.dnnl;

import org.bytedeco.dnnl.global.dnnl;

/** The numbers by which oneDNN tells a primitive's arguments apart. */
public final class Args {
  public static final int SRC = dnnl.DNNL_ARG_SRC;
  public static final int SRC_1 = dnnl.DNNL_ARG_SRC_1;
  public static final int SRC_2 = dnnl.DNNL_ARG_SRC_2;
  public static final int DST = dnnl.DNNL_ARG_DST;
  public static final int DST_1 = dnnl.DNNL_ARG_DST_1;
  public static final int DST_2 = dnnl.DNNL_ARG_DST_2;
  public static final int WEIGHTS = dnnl.DNNL_ARG_WEIGHTS;
  public static final int WEIGHTS_ITER = dnnl.DNNL_ARG_WEIGHTS_ITER;
  public static final int WEIGHTS_PEEPHOLE = dnnl.DNNL_ARG_WEIGHTS_PEEPHOLE;
  public static final int BIAS = dnnl.DNNL_ARG_BIAS;
  public static final int MEAN = dnnl.DNNL_ARG_MEAN;
  public static final int VARIANCE = dnnl.DNNL_ARG_VARIANCE;
  public static final int SCALE = dnnl.DNNL_ARG_SCALE;
  public static final int SHIFT = dnnl.DNNL_ARG_SHIFT;
  public static final int SCRATCHPAD = dnnl.DNNL_ARG_SCRATCHPAD;

  private Args() {}

  /** Source number {@code index} of concat and sum. */
  public static int multipleSource(int index) {
    return dnnl.DNNL_ARG_MULTIPLE_SRC + index;
  }

  /** The scales of argument {@code argument}: 32-bit floats. */
  public static int scale(int argument) {
    return dnnl.DNNL_ARG_ATTR_SCALES | argument;
  }

  /** The zero points of argument {@code argument}: 32-bit integers. */
  public static int zeroPoint(int argument) {
    return dnnl.DNNL_ARG_ATTR_ZERO_POINTS | argument;
  }

  /** The second operand of the binary post-operation that stands at {@code index}. */
  public static int postOpOperand(int index) {
    return (dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * (index + 1)) | dnnl.DNNL_ARG_SRC_1;
  }
}
