package dev.octet.engine.dnnl;

import dev.octet.graph.DataType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;

/**
 * What a primitive does besides its main computation: scales and zero points of its arguments, and
 * operations applied to each element of the result before it is stored.
 *
 * <p>In oneDNN's order: integers are accumulated exactly; the sum is multiplied by the scales of
 * source and weights; the bias is added; post-operations follow in the order in which they were
 * added; the result is divided by the destination's scale, its zero point added, rounded half to
 * even and saturated. Scales and zero points are arguments at run time ({@link Args#scale}, {@link
 * Args#zeroPoint}), not part of the attributes.
 */
public final class Attributes {
  /** Element-wise functions; {@code a} and {@code b} are the parameters of {@link #eltwise}. */
  public enum Eltwise {
    /** max(x, 0) + a·min(x, 0). */
    RELU(dnnl.algorithm.eltwise_relu),
    TANH(dnnl.algorithm.eltwise_tanh),
    /** x where positive, else a·(exp(x) − 1). */
    ELU(dnnl.algorithm.eltwise_elu),
    SQUARE(dnnl.algorithm.eltwise_square),
    ABS(dnnl.algorithm.eltwise_abs),
    SQRT(dnnl.algorithm.eltwise_sqrt),
    /** x·sigmoid(a·x). */
    SWISH(dnnl.algorithm.eltwise_swish),
    /** a·x + b. */
    LINEAR(dnnl.algorithm.eltwise_linear),
    /** log(1 + exp(a·x)) / a. */
    SOFT_RELU(dnnl.algorithm.eltwise_soft_relu),
    MISH(dnnl.algorithm.eltwise_mish),
    LOGISTIC(dnnl.algorithm.eltwise_logistic),
    EXP(dnnl.algorithm.eltwise_exp),
    GELU_TANH(dnnl.algorithm.eltwise_gelu_tanh),
    GELU_ERF(dnnl.algorithm.eltwise_gelu_erf),
    LOG(dnnl.algorithm.eltwise_log),
    /** min(max(x, a), b). */
    CLIP(dnnl.algorithm.eltwise_clip),
    /** a·x^b. */
    POW(dnnl.algorithm.eltwise_pow),
    /** Half to even. */
    ROUND(dnnl.algorithm.eltwise_round),
    /** x·min(1, max(0, a·x + b)). */
    HARDSWISH(dnnl.algorithm.eltwise_hardswish),
    /** min(1, max(0, a·x + b)). */
    HARDSIGMOID(dnnl.algorithm.eltwise_hardsigmoid);

    final dnnl.algorithm code;

    Eltwise(dnnl.algorithm code) {
      this.code = code;
    }
  }

  /** Functions of two elements; the second may be broadcast. Comparisons give 0 or 1. */
  public enum Binary {
    ADD(dnnl.algorithm.binary_add),
    SUB(dnnl.algorithm.binary_sub),
    MUL(dnnl.algorithm.binary_mul),
    DIV(dnnl.algorithm.binary_div),
    MAX(dnnl.algorithm.binary_max),
    MIN(dnnl.algorithm.binary_min),
    GE(dnnl.algorithm.binary_ge),
    GT(dnnl.algorithm.binary_gt),
    LE(dnnl.algorithm.binary_le),
    LT(dnnl.algorithm.binary_lt),
    EQ(dnnl.algorithm.binary_eq),
    NE(dnnl.algorithm.binary_ne);

    final dnnl.algorithm code;

    Binary(dnnl.algorithm code) {
      this.code = code;
    }
  }

  private sealed interface PostOp {}

  private record EltwiseOp(Eltwise function, float a, float b) implements PostOp {}

  private record SumOp(float scale, int zeroPoint, DataType type) implements PostOp {}

  private record BinaryOp(Binary function, Layout operand) implements PostOp {}

  private record Masked(int argument, int mask) {}

  private final List<Masked> scales = new ArrayList<>();
  private final List<Masked> zeroPoints = new ArrayList<>();
  private final List<PostOp> postOps = new ArrayList<>();
  private long group;
  private boolean groupedZeroPoints;

  /**
   * Declares that argument {@code argument} (see {@link Args}) is scaled: bit {@code i} of {@code
   * mask} set means one scale for each index of dimension {@code i}; 0 means one for all. Grouped
   * convolution weights have the groups as dimension 0.
   */
  public Attributes scale(int argument, int mask) {
    scales.add(new Masked(argument, mask));
    return this;
  }

  /**
   * Declares that argument {@code argument} has zero points (int32), masked as in {@link #scale}.
   */
  public Attributes zeroPoint(int argument, int mask) {
    zeroPoints.add(new Masked(argument, mask));
    return this;
  }

  /**
   * Lets a product of floats take integer weights {@code [K, N]}, which it turns into floats as it
   * reads them, with scales {@code [K / group, N]}, and int32 zero points of these dimensions if
   * asked for. Only for a source of floats: with a source of integers oneDNN 3.11 takes such scales
   * and computes as if there were one for each column.
   */
  public Attributes decompress(long rowsOfGroup, boolean zeroPointsToo) {
    group = rowsOfGroup;
    groupedZeroPoints = zeroPointsToo;
    return this;
  }

  /** Applies {@code function} with parameters {@code a} and {@code b}. */
  public Attributes eltwise(Eltwise function, float a, float b) {
    postOps.add(new EltwiseOp(function, a, b));
    return this;
  }

  /**
   * Adds {@code scale * (old - zeroPoint)}, where old is what the destination held before, read as
   * {@code type} (of the destination type's size).
   */
  public Attributes sum(float scale, int zeroPoint, DataType type) {
    postOps.add(new SumOp(scale, zeroPoint, type));
    return this;
  }

  /**
   * Combines each element with one of another tensor, whose dimensions are the destination's or 1.
   *
   * @return the argument under which the tensor is passed
   */
  public int binary(Binary function, Layout operand) {
    postOps.add(new BinaryOp(function, operand));
    return Args.postOpOperand(postOps.size() - 1);
  }

  /** Whether argument {@code argument} has zero points. */
  boolean hasZeroPoint(int argument) {
    return zeroPoints.stream().anyMatch(masked -> masked.argument == argument);
  }

  /** Whether nothing was asked for. */
  public boolean isEmpty() {
    return scales.isEmpty() && zeroPoints.isEmpty() && postOps.isEmpty() && group == 0;
  }

  /** Makes oneDNN's form of this; the caller's scope frees it. */
  primitive_attr create() {
    primitive_attr attr = new primitive_attr();
    attr.set_scratchpad_mode(dnnl.scratchpad_mode.user);
    for (Masked scale : scales) {
      attr.set_scales_mask(scale.argument, scale.mask);
    }
    for (Masked zeroPoint : zeroPoints) {
      attr.set_zero_points_mask(zeroPoint.argument, zeroPoint.mask);
    }
    if (group > 0) {
      attr.set_fpmath_mode(dnnl.fpmath_mode.strict, true);
      long[] block = {group, 1};
      attr.set_scales(
          Args.WEIGHTS, 3, block, memory.data_type.f32, false, dnnl.quantization_mode.static_sazp);
      if (groupedZeroPoints) {
        attr.set_zero_points(Args.WEIGHTS, 3, block, memory.data_type.s32, false);
      }
    }
    if (!postOps.isEmpty()) {
      post_ops ops = new post_ops();
      for (PostOp op : postOps) {
        if (op instanceof EltwiseOp eltwise) {
          ops.append_eltwise(eltwise.function.code, eltwise.a, eltwise.b);
        } else if (op instanceof SumOp sum) {
          ops.append_sum(sum.scale, sum.zeroPoint, Native.typeOf(sum.type));
        } else if (op instanceof BinaryOp binary) {
          ops.append_binary(binary.function.code, binary.operand.desc());
        }
      }
      attr.set_post_ops(ops);
    }
    return attr;
  }

  /** The post-operations in a few words, such as {@code relu+sum}; empty without any. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (PostOp op : postOps) {
      String word =
          op instanceof EltwiseOp eltwise
              ? eltwise.function.name()
              : op instanceof BinaryOp binary ? binary.function.name() : "sum";
      text.append(text.isEmpty() ? "" : "+").append(word.toLowerCase(Locale.ROOT));
    }
    return text.toString();
  }
}
