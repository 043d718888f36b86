package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.op.Tracer;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A weight of 8-bit integers in a module's state: {@code NAME}, {@code NAME_scale} and, where one
 * is not zero, {@code NAME_zero_point}. The buffers are what counts: loading a state changes them.
 */
final class CodedWeight {
  /** Adds a buffer to a module. */
  interface State {
    Tensor buffer(String name, Tensor value);
  }

  private final String name;
  private final Tensor codes;
  private final Tensor scales;
  private final @Nullable Tensor zeros;
  private final @Nullable Integer axis;

  private CodedWeight(
      String name, Tensor codes, Tensor scales, @Nullable Tensor zeros, @Nullable Integer axis) {
    this.name = name;
    this.codes = codes;
    this.scales = scales;
    this.zeros = zeros;
    this.axis = axis;
  }

  /** A weight in the state of a module. */
  static CodedWeight in(State state, String name, QuantizedTensor weight) {
    Dtype dtype = weight.dtype();
    if (dtype != Dtype.QINT8 && dtype != Dtype.QUINT8) {
      throw new IllegalArgumentException(
          "the weight is " + dtype + "; quantized modules multiply integers of 8 bits");
    }
    QuantParams params = weight.params();
    boolean perTensor = weight.scheme() == QuantizedTensor.Scheme.PER_TENSOR_AFFINE;
    long[] shape = perTensor ? new long[0] : new long[] {params.count()};
    boolean shifted = Arrays.stream(params.zeroPoints()).anyMatch(zero -> zero != 0);
    try (Scope scope = Scope.open()) {
      Tensor zeros = null;
      if (shifted) {
        byte[] bytes = new byte[params.count()];
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] = (byte) params.zeroPoint(i);
        }
        zeros =
            state.buffer(
                name + "_zero_point",
                Tensors.of(dev.octet.graph.Tensor.ofRaw(dtype.dataType(), bytes, shape)));
      }
      int rank = weight.shape().length;
      return new CodedWeight(
          name,
          state.buffer(name, weight.intRepr()),
          state.buffer(name + "_scale", Tensors.of(params.scales(), shape)),
          zeros,
          perTensor ? null : Math.floorMod(weight.axis(), rank));
    }
  }

  /** How it is stored. */
  Description.Weight form() {
    return new Description.Weight(
        Tensors.type(codes) == ScalarType.Char ? WeightFormat.INT8 : WeightFormat.UINT8, axis);
  }

  /** What keeps its own scale; null for one scale. */
  @Nullable Integer axis() {
    return axis;
  }

  /** The weight as it is now. */
  QuantizedTensor quantized() {
    Dtype dtype = Tensors.type(codes) == ScalarType.Char ? Dtype.QINT8 : Dtype.QUINT8;
    float[] steps = Tensors.toFloats(scales);
    int[] zeroPoints = new int[steps.length];
    if (zeros != null) {
      long[] values = Tensors.toLongs(zeros);
      for (int i = 0; i < zeroPoints.length; i++) {
        zeroPoints[i] = (int) values[i];
      }
    }
    return QuantizedTensor.of(
        Arrays.stream(Tensors.toLongs(codes)).mapToInt(Math::toIntExact).toArray(),
        QuantParams.affine(
            steps,
            zeroPoints,
            axis == null ? Granularity.perTensor() : Granularity.perAxis(axis),
            dtype.qmin(),
            dtype.qmax()),
        dtype,
        Arrays.stream(Tensors.shape(codes)).mapToInt(Math::toIntExact).toArray());
  }

  /** The real weight, as a tracked operation on the integers. */
  Tensor real() {
    return Tracer.track(
        quantized().dequantize(),
        tracer -> {
          NodeSpec spec = NodeSpec.of("DequantizeLinear");
          if (axis != null) {
            spec = spec.with("axis", axis);
          }
          return tracer.add(spec.reads(codes(tracer), scales(tracer), zeros(tracer)));
        });
  }

  /** The integers less their zero points, as floats; of scales per tensor or of axis 0. */
  Tensor levels() {
    try (Scope scope = Scope.open()) {
      Tensor levels = codes.to(ScalarType.Float);
      if (zeros != null) {
        Tensor shift = zeros.to(ScalarType.Float);
        long[] rows = new long[Math.toIntExact(codes.dim())];
        Arrays.fill(rows, 1);
        rows[0] = -1;
        levels = levels.sub(axis == null ? shift : shift.reshape(rows));
      }
      return scope.give(levels);
    }
  }

  /** The scales: one number, or one for each index of the axis. */
  Tensor steps() {
    return scales;
  }

  /** The integers in a trace. */
  Value codes(Tracer tracer) {
    return tracer.value(codes, name);
  }

  /** The scales in a trace: one number, or one for each index of the axis. */
  Value scales(Tracer tracer) {
    return tracer.value(scales, name + "_scale");
  }

  /** The zero points in a trace, zeros included. */
  Value zeros(Tracer tracer) {
    if (zeros != null) {
      return tracer.value(zeros, name + "_zero_point");
    }
    DataType type = Tensors.dataType(Tensors.type(codes));
    long[] shape = Tensors.shape(scales);
    int count = Math.toIntExact(scales.numel());
    return tracer.constant(dev.octet.graph.Tensor.ofRaw(type, new byte[count], shape));
  }

  /** Whether a zero point is not zero. */
  boolean isShifted() {
    return zeros != null;
  }

  /** The dimensions. */
  long[] shape() {
    return Tensors.shape(codes);
  }
}
