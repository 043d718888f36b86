package dev.octet.workflows.pytorch.quantized;

import dev.octet.graph.Attribute;
import dev.octet.graph.DataType;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Value;
import dev.octet.torch.Tensors;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.StoredWeight;
import dev.octet.torch.op.Tracer;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer that quantizes its input in each call and multiplies integers, with ReLU behind it
 * if wanted: {@code [..., in]} to {@code [..., out]}, real numbers in and out, two dimensions or
 * more.
 *
 * <p>The input becomes unsigned integers of 8 bits with one scale for the tensor, as PyTorch has
 * it; or, {@link DynamicSpec.Settings#perToken per token}, signed ones with a scale for each row,
 * so that a row does not depend on what else is in its batch. Weights of 16-bit floats are
 * multiplied as floats.
 *
 * <p>State: {@code weight [out, in]}, for integers {@code weight_scale} and {@code
 * weight_zero_point} where not zero, and {@code bias [out]}.
 */
public final class DynamicLinear extends QuantizedModule {
  static final String KIND = "DynamicLinear";

  private final @Nullable CodedWeight weight;
  private final @Nullable Tensor half;
  private final @Nullable Tensor bias;
  private final Description.Dynamic how;
  private final boolean relu;
  private final long in;
  private final long out;

  DynamicLinear(
      QuantizedTensor weight, float @Nullable [] bias, Description.Dynamic how, boolean relu) {
    super(List.of(), 0, null, true);
    this.weight = CodedWeight.in(this::buffer, "weight", weight);
    this.half = null;
    this.how = how;
    this.relu = relu;
    long[] shape = checked(weight.shape(), bias);
    out = shape[0];
    in = shape[1];
    this.bias = bias == null ? null : buffer("bias", Tensors.of(bias, bias.length));
    if (this.weight.axis() != null && this.weight.axis() != 0) {
      throw new IllegalArgumentException(
          "the weight has scales of axis "
              + this.weight.axis()
              + "; a product of integers takes them of axis 0, the outputs");
    }
    if (how.perToken() && how.reduceRange()) {
      throw new IllegalArgumentException(
          "a reduced range is of activations per tensor; per token they have 8 bits");
    }
  }

  /** A layer of 16-bit floats. */
  DynamicLinear(dev.octet.graph.Tensor half, float @Nullable [] bias, boolean relu) {
    super(List.of(), 0, null, true);
    this.weight = null;
    this.half = buffer("weight", Tensors.of(half));
    this.how = new Description.Dynamic(false, false);
    this.relu = relu;
    long[] shape = checked(half.shape(), bias);
    out = shape[0];
    in = shape[1];
    this.bias = bias == null ? null : buffer("bias", Tensors.of(bias, bias.length));
  }

  private static long[] checked(long[] shape, float @Nullable [] bias) {
    if (shape.length != 2 || (bias != null && bias.length != shape[0])) {
      throw new IllegalArgumentException(
          "a linear layer has a weight [out, in] and a bias [out], not a weight of "
              + shape.length
              + " dimensions");
    }
    return shape;
  }

  static DynamicLinear of(Parts parts) {
    Description is = parts.description();
    if (Description.need(is.weight(), "weight").format() == WeightFormat.FLOAT16) {
      return new DynamicLinear(
          parts.tensor("weight", DataType.FLOAT16), parts.vector("bias"), is.relu());
    }
    return new DynamicLinear(
        parts.weight("weight"),
        parts.vector("bias"),
        Description.need(is.dynamic(), "dynamic settings"),
        is.relu());
  }

  /**
   * The weight, {@code [out, in]}.
   *
   * @throws IllegalStateException if it is of 16-bit floats
   */
  public QuantizedTensor weight() {
    if (weight == null) {
      throw new IllegalStateException("the weight is of 16-bit floats, not of integers");
    }
    return weight.quantized();
  }

  /** The weight as a layer that multiplies floats takes it; null for one with zero points. */
  @Nullable StoredWeight stored() {
    if (weight == null) {
      Tensor stored = Tensors.check(half, "weight");
      return new StoredWeight(stored.to(ScalarType.Float), stored, null);
    }
    return weight.isShifted()
        ? null
        : new StoredWeight(
            weight.quantized().dequantize(), ownBuffers().get("weight"), weight.steps());
  }

  /** The bias, {@code [out]}, if there is one. */
  public @Nullable Tensor bias() {
    return bias;
  }

  /** Numbers of inputs and outputs. */
  long[] size() {
    return new long[] {out, in};
  }

  @Override
  void check(Tensor... x) {
    super.check(x);
    if (x[0].dim() < 2 || x[0].size(-1) != in) {
      throw new IllegalArgumentException(
          "it takes [N, ..., " + in + "], not " + Tensors.describe(x[0]));
    }
  }

  @Override
  Tensor compute(Tensor... x) {
    Tensor y = product(x[0]);
    return relu ? Ops.relu(y) : y;
  }

  private Tensor product(Tensor x) {
    if (weight == null) {
      Tensor stored = Tensors.check(half, "weight");
      return Ops.linear(x, Ops.to(stored, ScalarType.Float), bias);
    }
    Tensor scales = weight.steps();
    if (how.perToken()) {
      Tensor step = Ops.div(Ops.clamp(Ops.amax(Ops.abs(x), true, -1), Float.MIN_NORMAL, INF), 127);
      Tensor codes = Ops.to(DynamicInput.rounded(Ops.div(x, step)), ScalarType.Char);
      return biased(Ops.mul(Ops.mul(sums(codes, null, weight), scales), step));
    }
    DynamicInput input = DynamicInput.of(x, how);
    Tensor both = Ops.mul(input.step(), scales);
    return biased(Ops.mul(sums(input.codes(), input.zero(), weight), both));
  }

  private static final double INF = Double.POSITIVE_INFINITY;

  private Tensor biased(Tensor y) {
    return bias == null ? y : Ops.add(y, bias);
  }

  /** The exact sums of products of integers, as floats. */
  private static Tensor sums(Tensor codes, @Nullable Tensor zero, CodedWeight weight) {
    Tensor left = codes.to(ScalarType.Float);
    Tensor shifted = zero == null ? left : left.sub(zero.to(ScalarType.Float));
    return Tracer.track(
        torch.matmul(shifted, weight.levels().t()),
        tracer -> {
          Value turned =
              tracer.add(
                  NodeSpec.of("Transpose")
                      .reads(weight.codes(tracer))
                      .with("perm", Attribute.IntList.of(1, 0)));
          NodeSpec product =
              DynamicInput.product("MatMulInteger", tracer, codes, zero, weight, turned);
          Value sums = tracer.add(product);
          return tracer.add(NodeSpec.of("Cast").reads(sums).with("to", DataType.FLOAT.code()));
        });
  }

  @Override
  protected Description extraState() {
    Description.Builder made = description(KIND).relu(relu).dynamic(how);
    return made.weight(
            weight == null ? new Description.Weight(WeightFormat.FLOAT16, null) : weight.form())
        .build();
  }

  @Override
  protected String settings() {
    return "in_features="
        + in
        + ", out_features="
        + out
        + ", dtype="
        + (weight == null ? "float16" : "qint8")
        + (how.perToken() ? ", per_token=True" : "")
        + (how.reduceRange() ? ", reduce_range=True" : "")
        + (bias == null ? ", bias=False" : "")
        + (relu ? ", relu=True" : "");
  }
}
