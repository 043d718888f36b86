package dev.octet.torch.quant;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * LibTorch's own fake-quantize operators, with checks in front. They make what PyTorch makes of
 * every input, NaN and infinities too ({@code torch.fake_quantize_*}, {@code
 * _LearnableFakeQuantize}, {@code FusedMovingAvgObsFakeQuantize}); {@link FakeQuantizer} is several
 * times faster.
 */
public final class LibTorchFakeQuantize {
  private LibTorchFakeQuantize() {}

  /** {@code fake_quantize_per_tensor_affine}. */
  public static Tensor perTensor(Tensor x, double scale, long zeroPoint, long qmin, long qmax) {
    checkInput(x);
    checkIntegers(qmin, qmax);
    checkZeroPoint(zeroPoint, qmin, qmax);
    if (!(scale > 0 && scale < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("scale is " + scale + "; it must be positive and finite");
    }
    try (Scope scope = Scope.open()) {
      return scope.give(torch.fake_quantize_per_tensor_affine(x, scale, zeroPoint, qmin, qmax));
    }
  }

  /**
   * {@code fake_quantize_per_tensor_affine} with a scale and a zero point that live in tensors.
   *
   * @param scale Float, one value
   * @param zeroPoint Int, one value
   */
  public static Tensor perTensor(Tensor x, Tensor scale, Tensor zeroPoint, long qmin, long qmax) {
    checkInput(x);
    checkIntegers(qmin, qmax);
    checkVector(scale, "scale", ScalarType.Float, 1);
    checkVector(zeroPoint, "zero point", ScalarType.Int, 1);
    try (Scope scope = Scope.open()) {
      return scope.give(torch.fake_quantize_per_tensor_affine(x, scale, zeroPoint, qmin, qmax));
    }
  }

  /**
   * {@code fake_quantize_per_channel_affine}.
   *
   * @param scale Float, one value for each index along the axis
   * @param zeroPoint Int or Float, likewise
   */
  public static Tensor perChannel(
      Tensor x, Tensor scale, Tensor zeroPoint, int axis, long qmin, long qmax) {
    checkInput(x);
    checkIntegers(qmin, qmax);
    int kept = axis(x, axis);
    long channels = Tensors.shape(x)[kept];
    checkVector(scale, "scale", ScalarType.Float, channels);
    boolean whole = Tensors.type(Tensors.check(zeroPoint, "zero point")) == ScalarType.Int;
    checkVector(zeroPoint, "zero point", whole ? ScalarType.Int : ScalarType.Float, channels);
    try (Scope scope = Scope.open()) {
      return scope.give(
          torch.fake_quantize_per_channel_affine(x, scale, zeroPoint, kept, qmin, qmax));
    }
  }

  /**
   * {@code _fake_quantize_learnable_per_tensor_affine}: scale and zero point get gradients (LSQ,
   * arXiv 1902.08153; LSQ+, arXiv 2004.09576), times {@code gradFactor}.
   *
   * @param scale Float, one value, positive
   * @param zeroPoint Float, one value
   */
  public static Tensor learnable(
      Tensor x, Tensor scale, Tensor zeroPoint, long qmin, long qmax, double gradFactor) {
    checkInput(x);
    checkIntegers(qmin, qmax);
    checkVector(scale, "scale", ScalarType.Float, 1);
    checkVector(zeroPoint, "zero point", ScalarType.Float, 1);
    try (Scope scope = Scope.open()) {
      IValueVector arguments =
          new IValueVector(
              new IValue(x),
              new IValue(scale),
              new IValue(zeroPoint),
              new IValue(qmin),
              new IValue(qmax),
              new IValue(gradFactor));
      return scope.give(call("aten::_fake_quantize_learnable_per_tensor_affine", arguments));
    }
  }

  /** {@code _fake_quantize_learnable_per_channel_affine}; see the other method. */
  public static Tensor learnable(
      Tensor x, Tensor scale, Tensor zeroPoint, int axis, long qmin, long qmax, double gradFactor) {
    checkInput(x);
    checkIntegers(qmin, qmax);
    int kept = axis(x, axis);
    long channels = Tensors.shape(x)[kept];
    checkVector(scale, "scale", ScalarType.Float, channels);
    checkVector(zeroPoint, "zero point", ScalarType.Float, channels);
    try (Scope scope = Scope.open()) {
      IValueVector arguments =
          new IValueVector(
              new IValue(x),
              new IValue(scale),
              new IValue(zeroPoint),
              new IValue((long) kept),
              new IValue(qmin),
              new IValue(qmax),
              new IValue(gradFactor));
      return scope.give(call("aten::_fake_quantize_learnable_per_channel_affine", arguments));
    }
  }

  /** What a moving average has learned; the operator changes these tensors. */
  public static final class MovingAverage implements AutoCloseable {
    private final Tensor min;
    private final Tensor max;
    private final Tensor scale;
    private final Tensor zeroPoint;

    /** Of nothing yet: range (∞, −∞), scale 1, zero point 0. */
    public MovingAverage(int channels) {
      if (channels < 1) {
        throw new IllegalArgumentException(channels + " channels; give 1 or more");
      }
      float[] values = new float[channels];
      try (Scope scope = Scope.open()) {
        Arrays.fill(values, Float.POSITIVE_INFINITY);
        min = Scope.keep(Tensors.of(values, channels));
        Arrays.fill(values, Float.NEGATIVE_INFINITY);
        max = Scope.keep(Tensors.of(values, channels));
        Arrays.fill(values, 1);
        scale = Scope.keep(Tensors.of(values, channels));
        zeroPoint = Scope.keep(Tensors.of(new long[channels], channels).to(ScalarType.Int));
      }
    }

    /** The average of the batches' smallest values, Float. */
    public Tensor min() {
      return min;
    }

    /** The average of the batches' largest values, Float. */
    public Tensor max() {
      return max;
    }

    /** Scales, Float. */
    public Tensor scale() {
      return scale;
    }

    /** Zero points, Int. */
    public Tensor zeroPoint() {
      return zeroPoint;
    }

    @Override
    public void close() {
      min.close();
      max.close();
      scale.close();
      zeroPoint.close();
    }
  }

  /**
   * {@code fused_moving_avg_obs_fake_quant}: averages the extremes of a batch into {@code state},
   * makes scale and zero point of them by LibTorch's own rule, and fake-quantizes.
   *
   * @param observe whether the state takes the batch in
   * @param quantize whether the batch is quantized; otherwise it comes back as it is
   * @param constant weight of the newest batch, above 0 and at most 1
   * @param axis that keeps its own ranges; where the state has one channel, of no meaning
   */
  public static Tensor movingAverage(
      Tensor x,
      MovingAverage state,
      boolean observe,
      boolean quantize,
      double constant,
      int axis,
      long qmin,
      long qmax,
      boolean symmetric) {
    checkInput(x);
    checkIntegers(qmin, qmax);
    long channels = Tensors.check(state.min(), "the state").numel();
    boolean perChannel = channels > 1;
    int kept = perChannel ? axis(x, axis) : 0;
    if (perChannel && (kept != 0 || Tensors.shape(x)[0] != channels)) {
      throw new IllegalArgumentException(
          Tensors.describe(x) + " does not have " + channels + " channels along axis 0");
    }
    if (Tensors.type(x) != ScalarType.Float || x.numel() == 0) {
      throw new IllegalArgumentException(
          Tensors.describe(x) + " cannot be observed; give Float values, at least one");
    }
    if (!(constant > 0 && constant <= 1)) {
      throw new IllegalArgumentException(
          "moving average constant is " + constant + "; choose above 0 and at most 1");
    }
    try (Scope scope = Scope.open()) {
      Tensor result =
          torch.fused_moving_avg_obs_fake_quant(
              x,
              flag(observe),
              flag(quantize),
              state.min(),
              state.max(),
              state.scale(),
              state.zeroPoint(),
              constant,
              qmin,
              qmax,
              kept,
              perChannel,
              symmetric);
      return scope.give(result);
    }
  }

  private static Tensor flag(boolean on) {
    return torch.full(new long[] {1}, new Scalar(on ? 1L : 0L)).to(ScalarType.Long);
  }

  private static Tensor call(String operator, IValueVector arguments) {
    OperatorHandle handle = Dispatcher.singleton().findSchemaOrThrow(operator, "");
    handle.callBoxed(arguments);
    // A handle of its own: what the vector gives is part of the vector and goes with it.
    return new Tensor(arguments.get(0).toTensor());
  }

  private static void checkInput(Tensor x) {
    switch (Tensors.type(Tensors.check(x, "the tensor to quantize"))) {
      case Float, Double, Half, BFloat16 -> {}
      default ->
          throw new IllegalArgumentException(
              Tensors.describe(x)
                  + " cannot be quantized; give Float, Double, Half or BFloat16 values");
    }
  }

  private static int axis(Tensor x, int named) {
    int rank = Math.toIntExact(x.dim());
    int axis = named < 0 ? named + rank : named;
    if (axis < 0 || axis >= rank) {
      throw new IllegalArgumentException(
          Tensors.describe(x) + " has no axis " + named + " to quantize along");
    }
    return axis;
  }

  private static void checkIntegers(long qmin, long qmax) {
    if (qmin >= qmax || qmin < Integer.MIN_VALUE || qmax > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "integers from %d to %d are no range of 32 bits; give the smaller end first"
              .formatted(qmin, qmax));
    }
  }

  private static void checkZeroPoint(long zeroPoint, long qmin, long qmax) {
    if (zeroPoint < qmin || zeroPoint > qmax) {
      throw new IllegalArgumentException(
          "zero point is %d; choose %d to %d".formatted(zeroPoint, qmin, qmax));
    }
  }

  private static void checkVector(Tensor vector, String what, ScalarType type, long count) {
    Tensors.check(vector, what);
    if (Tensors.type(vector) != type || vector.numel() != count || vector.dim() > 1) {
      throw new IllegalArgumentException(
          "%s is %s, not %s[%d]".formatted(what, Tensors.describe(vector), type, count));
    }
  }
}
