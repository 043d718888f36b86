package dev.octet.torch.op;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.format.Float8;
import dev.octet.core.format.Int4;
import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Tensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Writes quantizers into a trace; they compute elsewhere.
 *
 * <p>Integers of up to 8 bits become int8 or uint8, wider ones int16 or uint16, which need operator
 * set 21, as do blocks. Weights of up to 4 bits become int4 or uint4 from operator set 21 on. Where
 * the integers do not fill their type (fewer bits, narrow range), the value is clipped to what they
 * hold before it is quantized; a weight is clipped here and now.
 */
public final class QuantOps {
  private QuantOps() {}

  /**
   * Records that an output is an input quantized and dequantized.
   *
   * @param output computed from {@code input} with these parameters
   * @param scaleShape the shape in which the scales broadcast against the input; [] for one
   * @return {@code output}
   */
  public static Tensor quantizeDequantize(
      Tensor output, Tensor input, QuantParams params, long... scaleShape) {
    return Tracer.track(output, t -> record(t, input, params, scaleShape));
  }

  /** Records that an output is an input clipped to two bounds. */
  public static Tensor clip(Tensor output, Tensor input, float min, float max) {
    return Tracer.track(
        output, t -> clip(t, t.value(input, "the operand of Clip"), dataType(input), min, max));
  }

  /**
   * Records that an output is an input quantized to the unsigned 8-bit integers of its own range,
   * and dequantized.
   */
  public static Tensor dynamicQuantizeDequantize(Tensor output, Tensor input) {
    return Tracer.track(
        output,
        t -> {
          DataType type = dataType(input);
          Value x = cast(t, t.value(input, "the quantizer's input"), type, DataType.FLOAT);
          Value[] parts = t.add(NodeSpec.of("DynamicQuantizeLinear").reads(x), 3);
          Value y = t.add(NodeSpec.of("DequantizeLinear").reads(parts));
          return cast(t, y, DataType.FLOAT, type);
        });
  }

  /**
   * Records that an output is an input rounded to floats of 8 bits, from operator set 19 on.
   *
   * @param scales what stands for 1, one or one for each index of the granularity
   */
  public static Tensor float8(
      Tensor output, Tensor input, float[] scales, Granularity granularity, Float8 format) {
    return Tracer.track(
        output,
        t -> {
          if (t.opset() < 19) {
            throw new TraceException(
                "floats of 8 bits need ONNX's operator set 19, and this trace is of " + t.opset());
          }
          DataType type = dataType(input);
          Sharing sharing = Sharing.of(t, input, granularity, scales.length);
          DataType stored = DataType.valueOf("FLOAT8" + format.name());
          Value scale = t.constant(dev.octet.graph.Tensor.ofFloats(scales, sharing.shape));
          Value zero =
              t.constant(
                  dev.octet.graph.Tensor.ofRaw(stored, new byte[scales.length], sharing.shape));
          Value x = cast(t, t.value(input, "the quantizer's input"), type, DataType.FLOAT);
          Value q = t.add(sharing.along("QuantizeLinear").reads(x, scale, zero));
          Value y = t.add(sharing.along("DequantizeLinear").reads(q, scale, zero));
          return cast(t, y, DataType.FLOAT, type);
        });
  }

  /** Which elements share a scale, as nodes say it: no axis, an axis, or an axis in blocks. */
  private static final class Sharing {
    private final int axis;
    private final int blockSize;
    private final long[] shape;

    private Sharing(int axis, int blockSize, long... shape) {
      this.axis = axis;
      this.blockSize = blockSize;
      this.shape = shape;
    }

    static Sharing of(Tracer t, Tensor input, Granularity granularity, int count) {
      int rank = Math.toIntExact(input.dim());
      if (count > 1 && granularity instanceof Granularity.PerAxis perAxis) {
        return new Sharing(Math.floorMod(perAxis.axis(), rank), 0, count);
      }
      if (count > 1 && granularity instanceof Granularity.PerBlock perBlock) {
        require21(t, "a scale for each block");
        int axis = Math.floorMod(perBlock.axis(), rank);
        int size = perBlock.size();
        return new Sharing(axis, size, blockShape(Tensors.shape(input), axis, size));
      }
      return new Sharing(-1, 0);
    }

    NodeSpec along(String op) {
      NodeSpec spec = NodeSpec.of(op);
      NodeSpec placed = axis < 0 ? spec : spec.with("axis", axis);
      return blockSize == 0 ? placed : placed.with("block_size", blockSize);
    }
  }

  private static Value record(Tracer t, Tensor input, QuantParams params, long[] scaleShape) {
    DataType type = dataType(input);
    Value x = t.value(input, "the quantizer's input");
    Sharing sharing = Sharing.of(t, input, params.granularity(), params.count());
    long[] shape = sharing.shape;
    boolean weight = x.constant() != null;
    Integers integers = Integers.holding(params, weight && t.opset() >= 21);
    if (integers.type.bits() == 16) {
      require21(t, "integers of more than 8 bits");
    }
    Value scale = t.constant(dev.octet.graph.Tensor.ofFloats(params.scales(), shape));
    Value zero = t.constant(integers.tensor(params.zeroPoints(), shape));
    Value q;
    if (weight && sharing.blockSize > 0) {
      q = t.constant(integers.tensor(codes(input, params), Tensors.shape(input)));
    } else {
      Value held =
          weight && integers.saturatesBeyond(params)
              ? heldWeight(t, x, input, params)
              : cast(t, x, type, DataType.FLOAT);
      Value within = weight ? held : integers.clip(t, held, params, scaleShape);
      q = t.add(sharing.along("QuantizeLinear").reads(within, scale, zero));
    }
    Value y = t.add(sharing.along("DequantizeLinear").reads(q, scale, zero));
    return cast(t, y, DataType.FLOAT, type);
  }

  private static void require21(Tracer t, String what) {
    if (t.opset() < 21) {
      throw new TraceException(
          what + " needs ONNX's operator set 21, and this trace is of " + t.opset());
    }
  }

  private static int[] codes(Tensor input, QuantParams params) {
    int[] sizes = Arrays.stream(Tensors.shape(input)).mapToInt(Math::toIntExact).toArray();
    return Affine.quantize(Tensors.toFloats(input), sizes, whole(params), Arithmetic.ONNX);
  }

  /** One scale is for the whole tensor, whatever the granularity it was found for. */
  private static QuantParams whole(QuantParams params) {
    return params.count() > 1
        ? params
        : QuantParams.affine(params.scale(0), params.zeroPoint(0), params.qmin(), params.qmax());
  }

  /** A weight as it is where its type saturates no later than its integers; else their values. */
  private static Value heldWeight(Tracer t, Value x, Tensor input, QuantParams params) {
    int[] sizes = Arrays.stream(Tensors.shape(input)).mapToInt(Math::toIntExact).toArray();
    float[] values = Tensors.toFloats(input);
    boolean[] inside = Affine.mask(values, sizes, whole(params), Arithmetic.ONNX);
    float[] rounded = Affine.dequantize(codes(input, params), sizes, whole(params));
    boolean changed = Tensors.type(input) != ScalarType.Float;
    for (int i = 0; i < values.length; i++) {
      if (!inside[i]) {
        values[i] = rounded[i];
        changed = true;
      }
    }
    return changed ? t.constant(dev.octet.graph.Tensor.ofFloats(values, Tensors.shape(input))) : x;
  }

  private static long[] blockShape(long[] shape, int axis, int size) {
    long[] blocks = shape.clone();
    blocks[axis] = (shape[axis] + size - 1) / size;
    return blocks;
  }

  private static DataType dataType(Tensor x) {
    ScalarType type = Tensors.type(x);
    if (type == ScalarType.Double) {
      throw new TraceException(
          "a quantizer of Double values has no counterpart in a graph; trace with Float inputs");
    }
    return Tensors.dataType(type);
  }

  private static Value cast(Tracer t, Value x, DataType from, DataType to) {
    return from == to ? x : t.add(NodeSpec.of("Cast").reads(x).with("to", to.code()));
  }

  private static Value clip(Tracer t, Value x, DataType type, float min, float max) {
    Value wide = cast(t, x, type, DataType.FLOAT);
    Value clipped = t.add(NodeSpec.of("Clip").reads(wide, scalar(t, min), scalar(t, max)));
    return cast(t, clipped, DataType.FLOAT, type);
  }

  private static Value scalar(Tracer t, float value) {
    return t.constant(dev.octet.graph.Tensor.ofFloats(new float[] {value}));
  }

  /** The smallest type that holds the integers, and the range it has. */
  private record Integers(DataType type, int min, int max) {
    private static final List<Integers> ALL =
        List.of(
            new Integers(DataType.INT4, -8, 7),
            new Integers(DataType.UINT4, 0, 15),
            new Integers(DataType.INT8, -128, 127),
            new Integers(DataType.UINT8, 0, 255),
            new Integers(DataType.INT16, -32768, 32767),
            new Integers(DataType.UINT16, 0, 65535));

    static Integers holding(QuantParams params, boolean four) {
      boolean unsigned = params.qmin() >= 0;
      return ALL.stream()
          .filter(each -> each.type.bits() > 4 || four)
          .filter(each -> (each.min == 0) == unsigned)
          .filter(each -> each.min <= params.qmin() && params.qmax() <= each.max)
          .findFirst()
          .orElseThrow(
              () ->
                  new TraceException(
                      "integers from %d to %d fit no type of a graph"
                          .formatted(params.qmin(), params.qmax())));
    }

    /** Whether the type would let more through than the integers. */
    boolean saturatesBeyond(QuantParams params) {
      return params.qmin() > min || params.qmax() < max;
    }

    dev.octet.graph.Tensor tensor(int[] values, long[] shape) {
      if (type.bits() == 4) {
        return dev.octet.graph.Tensor.ofRaw(type, Int4.pack(values), shape);
      }
      int bytes = type.bits() / 8;
      ByteBuffer raw = ByteBuffer.allocate(values.length * bytes).order(ByteOrder.LITTLE_ENDIAN);
      for (int value : values) {
        if (bytes == 1) {
          raw.put((byte) value);
        } else {
          raw.putShort((short) value);
        }
      }
      return dev.octet.graph.Tensor.ofRaw(type, raw.array(), shape);
    }

    /** The value within what the integers hold, where saturation alone would let more through. */
    Value clip(Tracer t, Value x, QuantParams params, long[] scaleShape) {
      if (!saturatesBeyond(params)) {
        return x;
      }
      float[] first = new float[params.count()];
      float[] last = new float[params.count()];
      for (int i = 0; i < first.length; i++) {
        first[i] = (params.qmin() - params.zeroPoint(i)) * params.scale(i);
        last[i] = (params.qmax() - params.zeroPoint(i)) * params.scale(i);
      }
      if (params.count() == 1) {
        return t.add(NodeSpec.of("Clip").reads(x, scalar(t, first[0]), scalar(t, last[0])));
      }
      if (params.granularity() instanceof Granularity.PerBlock) {
        throw new TraceException(
            "integers from "
                + params.qmin()
                + " to "
                + params.qmax()
                + " in blocks do not fill a type of a graph; choose 8 or 16 bits in the full range");
      }
      // Clip takes one bound for all; Max and Min take one for each.
      Value lower = t.constant(dev.octet.graph.Tensor.ofFloats(first, scaleShape));
      Value upper = t.constant(dev.octet.graph.Tensor.ofFloats(last, scaleShape));
      Value above = t.add(NodeSpec.of("Max").reads(x, lower));
      return t.add(NodeSpec.of("Min").reads(above, upper));
    }
  }
}
