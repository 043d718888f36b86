package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.range.Range;
import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.Tracer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The integers of an input, with the scale and zero point that it has in this call: tracked
 * operations.
 *
 * @param codes of type Byte
 * @param step the scale, one number
 * @param zero the zero point, one number of type Byte
 */
record DynamicInput(Tensor codes, Tensor step, Tensor zero) {
  private static final double INF = Double.POSITIVE_INFINITY;

  /** LibTorch's least scale of an input that is quantized in 7 bits. */
  private static final double LEAST_SCALE = 6.1e-5;

  /** In 8 bits, or in the 7 of a reduced range. */
  static DynamicInput of(Tensor x, Description.Dynamic how) {
    return how.reduceRange() ? reduced(x) : full(x);
  }

  /** As ONNX's DynamicQuantizeLinear. */
  private static DynamicInput full(Tensor x) {
    float[] values = Tensors.toFloats(x);
    float min = 0;
    float max = 0;
    for (float value : values) {
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    QuantParams params = QuantParams.dynamic(new Range(min, max));
    int[] q = Affine.quantize(values, new int[] {values.length}, params, Arithmetic.ONNX);
    DynamicInput made =
        new DynamicInput(
            bytes(q, Tensors.shape(x)),
            Tensors.scalar(params.scale(0)),
            bytes(params.zeroPoints(), new long[0]));
    Tracer tracer = Tracer.current();
    if (tracer != null) {
      Value in = tracer.value(x, "the input");
      // What several layers read is quantized once.
      Value[] parts =
          in.consumers().stream()
              .filter(node -> node.is("DynamicQuantizeLinear"))
              .findFirst()
              .map(node -> node.outputs().toArray(new Value[0]))
              .orElseGet(() -> tracer.add(NodeSpec.of("DynamicQuantizeLinear").reads(in), 3));
      tracer.bind(made.codes(), parts[0]);
      tracer.bind(made.step(), parts[1]);
      tracer.bind(made.zero(), parts[2]);
    }
    return made;
  }

  private static Tensor bytes(int[] values, long[] shape) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return Tensors.of(dev.octet.graph.Tensor.ofRaw(DataType.UINT8, bytes, shape));
  }

  /** In 7 bits, as PyTorch's layers always do: 16-bit sums of older processors cannot overflow. */
  private static DynamicInput reduced(Tensor x) {
    Tensor min = Ops.clamp(Ops.amin(x), -INF, 0);
    Tensor max = Ops.clamp(Ops.amax(x), 0, INF);
    Tensor step = Ops.clamp(Ops.div(Ops.sub(max, min), 127), LEAST_SCALE, INF);
    Tensor zero = rounded(Ops.clamp(Ops.div(Ops.neg(min), step), 0, 127));
    Tensor codes = rounded(Ops.add(Ops.mul(x, Ops.reciprocal(step)), zero));
    return new DynamicInput(
        Ops.to(Ops.clamp(codes, 0, 255), ScalarType.Byte), step, Ops.to(zero, ScalarType.Byte));
  }

  static Tensor rounded(Tensor x) {
    return Tracer.track(
        x.round(),
        tracer -> tracer.add(NodeSpec.of("Round").reads(tracer.value(x, "what is rounded"))));
  }

  /** The integers less their zero point, as floats. */
  Tensor levels() {
    return codes.to(ScalarType.Float).sub(zero.to(ScalarType.Float));
  }

  /** What the integers stand for. */
  Tensor real() {
    Tensor real = Ops.to(codes, ScalarType.Float);
    return Ops.mul(Ops.sub(real, Ops.to(zero, ScalarType.Float)), step);
  }

  /** The node of a product of integers; only what it reads. */
  static NodeSpec product(
      String op, Tracer tracer, Tensor codes, @Nullable Tensor zero, CodedWeight weight, Value by) {
    Value ours = tracer.value(codes, "the integers of the input");
    Value zeroPoint = zero == null ? null : tracer.value(zero, "the input's zero point");
    NodeSpec product = NodeSpec.of(op);
    return weight.isShifted()
        ? product.reads(ours, by, zeroPoint, weight.zeros(tracer))
        : zeroPoint == null ? product.reads(ours, by) : product.reads(ours, by, zeroPoint);
  }
}
