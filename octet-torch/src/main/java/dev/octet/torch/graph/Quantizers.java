package dev.octet.torch.graph;

import static java.util.Map.entry;

import dev.octet.graph.DataType;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import java.util.Map;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * QuantizeLinear and DequantizeLinear as fake quantization: integers travel as floats, and rounding
 * lets gradients pass (Bengio et al. 2013) wherever it does not cut off.
 */
final class Quantizers {
  static final Map<String, Kernel> KERNELS =
      Map.<String, Kernel>ofEntries(
          entry("QuantizeLinear", Kernel.of(Quantizers::quantize)),
          entry("DequantizeLinear", Kernel.of(Quantizers::dequantize)));

  private Quantizers() {}

  private static Tensor quantize(Call c) {
    Tensor x = c.in(0);
    DataType type = integerType(c);
    Tensor scale = broadcast(c, c.in(1), x);
    Tensor zero = c.has(2) ? broadcast(c, zeroPoint(c), x) : null;
    return round(x.div(scale), zero, type);
  }

  /** {@code rint(steps) + zero} cut off at the ends of the type. */
  static Tensor round(Tensor steps, @Nullable Tensor zero, DataType type) {
    boolean signed = type == DataType.INT8 || type == DataType.INT16 || type == DataType.INT4;
    double low = signed ? -Math.pow(2, type.bits() - 1) : 0;
    double high = signed ? -low - 1 : Math.pow(2, type.bits()) - 1;
    ScalarOptional min = new ScalarOptional(new Scalar(low));
    ScalarOptional max = new ScalarOptional(new Scalar(high));
    Tensor rounded = steps.detach().round();
    if (zero == null) {
      Tensor through = steps.clamp(min, max);
      return rounded.clamp(min, max).add(through.sub(through.detach()));
    }
    Tensor through = steps.add(zero).clamp(min, max);
    // A sum with an exact zero: the value is that of the integers, the gradient that of the steps.
    return rounded.add(zero).clamp(min, max).add(through.sub(through.detach()));
  }

  private static Tensor dequantize(Call c) {
    Tensor x = c.in(0);
    Tensor scale = broadcast(c, c.in(1), x);
    Tensor codes = x.to(Tensors.type(scale));
    return (c.has(2) ? codes.sub(broadcast(c, zeroPoint(c), x)) : codes).mul(scale);
  }

  /** A DequantizeLinear whose input are real numbers, which are rounded to what it can give. */
  static Kernel rounding(DataType type) {
    return Kernel.of(
        c -> {
          Tensor x = c.in(0);
          if (type == DataType.INT32) {
            return x; // a bias: its steps are finer than float32
          }
          Tensor scale = broadcast(c, c.in(1), x);
          Tensor zero = c.has(2) ? broadcast(c, zeroPoint(c), x) : null;
          Tensor codes = round(x.div(scale), zero, type);
          return (zero == null ? codes : codes.sub(zero)).mul(scale);
        });
  }

  /** The integers that stand for {@code real} in a DequantizeLinear. */
  static dev.octet.graph.Tensor codes(Call c, Tensor real, DataType type) {
    Tensor wide = real.detach().to(ScalarType.Double);
    Tensor scale = broadcast(c, c.in(1), real);
    Tensor zero = c.has(2) ? broadcast(c, zeroPoint(c), real) : null;
    Tensor codes =
        type == DataType.INT32
            ? wide.div(scale.to(ScalarType.Double))
                .round()
                .clamp(
                    new ScalarOptional(new Scalar((double) Integer.MIN_VALUE)),
                    new ScalarOptional(new Scalar((double) Integer.MAX_VALUE)))
            : round(real.detach().div(scale), zero, type);
    return Tensors.toHost(codes.to(Tensors.scalarType(type)));
  }

  static DataType integerType(Call c) {
    return c.has(2) && c.datum(2).isHost() ? c.datum(2).numbers().type() : DataType.UINT8;
  }

  private static Tensor zeroPoint(Call c) {
    long[] zeros = c.longs(2);
    long[] shape = c.datum(2).isHost() ? c.datum(2).numbers().shape() : Tensors.shape(c.in(2));
    return Tensors.of(zeros, shape).to(ScalarType.Float);
  }

  /** Scales along an axis, or in blocks of it, so that they multiply {@code x}. */
  private static Tensor broadcast(Call c, Tensor scale, Tensor x) {
    long[] shape = Tensors.shape(scale);
    long[] to = Tensors.shape(x);
    if (scale.numel() == 1 && shape.length <= 1) {
      return scale.reshape();
    }
    int axis = Call.axis(c.integer("axis", 1), to.length);
    if (shape.length == 1) {
      long[] wide = new long[to.length];
      Arrays.fill(wide, 1);
      wide[axis] = shape[0];
      return scale.reshape(wide);
    }
    long block = c.integer("block_size", 0);
    if (block < 1 || shape.length != to.length) {
      throw new IllegalArgumentException(
          "scales " + Tensors.describe(scale) + " do not fit " + Tensors.describe(x));
    }
    return scale
        .repeat_interleave(block, new LongOptional(axis), new LongOptional())
        .narrow(axis, 0, to[axis]);
  }
}
