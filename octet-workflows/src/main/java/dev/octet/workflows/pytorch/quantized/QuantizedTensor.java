package dev.octet.workflows.pytorch.quantized;

import dev.octet.core.affine.Affine;
import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.FloatQuantParams;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.format.Int4;
import dev.octet.core.range.Range;
import dev.octet.core.range.parity.TorchQuantizationParameters;
import dev.octet.graph.DataType;
import dev.octet.torch.Tensors;
import dev.octet.torch.weights.WeightsException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Integers with what they stand for: real value = scale · (q − zeroPoint), with one scale and zero
 * point for the tensor or one for each index of an axis. What PyTorch calls a quantized tensor,
 * without LibTorch's deprecated types: integers lie on the Java heap, and nothing is to be closed.
 *
 * <pre>{@code
 * QuantizedTensor q = QuantizedTensor.quantizePerTensor(x, 0.05f, 128, Dtype.QUINT8);
 * Tensor back = q.dequantize();
 * QuantizedTensor.save(Path.of("weights.safetensors"), Map.of("fc", q));
 * }</pre>
 *
 * <p>Quantizing follows LibTorch 2.13, {@code clamp(rint(zeroPoint + x · (1 / scale)))}, unless
 * another {@link Arithmetic} is given. Immutable and thread-safe.
 */
public final class QuantizedTensor {
  /** What scales belong to, under PyTorch's names. */
  public enum Scheme {
    /** One scale and zero point. */
    PER_TENSOR_AFFINE,
    /** One of each for each index of an axis. */
    PER_CHANNEL_AFFINE,
    /** The same with zero points that are real numbers, as embeddings have them. */
    PER_CHANNEL_AFFINE_FLOAT_QPARAMS
  }

  private final Dtype dtype;
  private final dev.octet.graph.Tensor codes;
  private final @Nullable QuantParams params;
  private final @Nullable FloatQuantParams real;
  // Those of channels are doubles in LibTorch: integers come from them as floats, real values not.
  private final double[] scales;

  private QuantizedTensor(
      Dtype dtype,
      dev.octet.graph.Tensor codes,
      @Nullable QuantParams params,
      @Nullable FloatQuantParams real,
      double[] scales) {
    this.dtype = dtype;
    this.codes = codes;
    this.params = params;
    this.real = real;
    this.scales = scales;
  }

  // --- Create ----------------------------------------------------------------------------------

  /**
   * {@code torch.quantize_per_tensor}.
   *
   * @param x floats of any shape
   * @param scale positive and finite
   * @param zeroPoint an integer of the type
   */
  public static QuantizedTensor quantizePerTensor(
      Tensor x, float scale, int zeroPoint, Dtype dtype) {
    return quantize(
        x,
        QuantParams.affine(scale, zeroPoint, dtype.qmin(), dtype.qmax()),
        dtype,
        Arithmetic.LIBTORCH_2_13);
  }

  /**
   * {@code torch.quantize_per_channel}.
   *
   * @param x floats of any shape that has the axis
   * @param scales positive and finite, one for each index of the axis; the integers are those of
   *     the nearest floats, and real values the products with the doubles, as in LibTorch
   * @param zeroPoints integers of the type, likewise
   */
  public static QuantizedTensor quantizePerChannel(
      Tensor x, double[] scales, int[] zeroPoints, int axis, Dtype dtype) {
    QuantizedTensor nearest =
        quantize(
            x,
            QuantParams.affine(
                floats(scales), zeroPoints, Granularity.perAxis(axis), dtype.qmin(), dtype.qmax()),
            dtype,
            Arithmetic.LIBTORCH_2_13);
    return nearest.withScales(scales);
  }

  /** {@code torch.quantize_per_channel} with zero points that are real numbers. */
  public static QuantizedTensor quantizePerChannel(Tensor x, FloatQuantParams params) {
    Tensors.check(x, "the tensor to quantize");
    int[] shape = shape(x);
    return of(params.quantize(floats(x), shape), params, shape);
  }

  /**
   * {@code torch.quantize_per_tensor_dynamic}: scale and zero point are those that LibTorch chooses
   * for the values at hand ({@link TorchQuantizationParameters#chosen}).
   *
   * @param dtype {@code QINT8} or {@code QUINT8}
   * @param reduceRange whether they are chosen for half of the integers, a bit less, which 16-bit
   *     sums of processors without VNNI need
   * @throws IllegalArgumentException also if a value is NaN or infinite
   */
  public static QuantizedTensor quantizePerTensorDynamic(
      Tensor x, Dtype dtype, boolean reduceRange) {
    Tensors.check(x, "the tensor to quantize");
    if (dtype != Dtype.QINT8 && dtype != Dtype.QUINT8) {
      throw new IllegalArgumentException("dtype is " + dtype + "; choose QINT8 or QUINT8");
    }
    float min = 0;
    float max = 0;
    for (float value : floats(x)) {
      if (!Float.isFinite(value)) {
        throw new IllegalArgumentException(
            "a value is " + value + ", which has no range; repair the input");
      }
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    int half = reduceRange ? 2 : 1;
    TorchQuantizationParameters chosen =
        TorchQuantizationParameters.chosen(
            new Range(min, max), dtype.qmin() / half, dtype.qmax() / half);
    return quantizePerTensor(x, chosen.scale(), chosen.zeroPoint(), dtype);
  }

  /**
   * Quantizes by parameters at hand.
   *
   * @param params their smallest and largest integer are where values are clamped; they may be
   *     narrower than the type
   */
  public static QuantizedTensor quantize(
      Tensor x, QuantParams params, Dtype dtype, Arithmetic arithmetic) {
    Tensors.check(x, "the tensor to quantize");
    int[] shape = shape(x);
    return of(Affine.quantize(floats(x), shape, params, arithmetic), params, dtype, shape);
  }

  /**
   * A tensor of integers at hand ({@code _make_per_tensor_quantized_tensor} and the other).
   *
   * @param codes row-major, each an integer of the type
   * @throws IllegalArgumentException if a code, the shape or the parameters do not fit
   */
  public static QuantizedTensor of(int[] codes, QuantParams params, Dtype dtype, int... shape) {
    if (params.granularity() instanceof Granularity.PerBlock) {
      throw new IllegalArgumentException(
          "scales are " + params.granularity() + "; a quantized tensor has them for an axis");
    }
    if (params.qmin() < dtype.qmin() || params.qmax() > dtype.qmax()) {
      throw new IllegalArgumentException(
          "integers from %d to %d do not fit %s".formatted(params.qmin(), params.qmax(), dtype));
    }
    Affine.dequantize(new int[codes.length], shape, params); // refuses what does not fit
    return new QuantizedTensor(
        dtype, pack(codes, dtype, shape), params, null, doubles(params.scales()));
  }

  /** The same with scales of which those of the parameters are the nearest floats. */
  QuantizedTensor withScales(double[] exact) {
    if (params == null || !Arrays.equals(floats(exact), params.scales())) {
      throw new IllegalArgumentException("the scales are not those of the parameters");
    }
    return new QuantizedTensor(dtype, codes, params, null, exact.clone());
  }

  private static float[] floats(double[] values) {
    float[] nearest = new float[values.length];
    for (int i = 0; i < nearest.length; i++) {
      nearest[i] = (float) values[i];
    }
    return nearest;
  }

  private static double[] doubles(float[] values) {
    double[] same = new double[values.length];
    for (int i = 0; i < same.length; i++) {
      same[i] = values[i];
    }
    return same;
  }

  /** The same with zero points that are real numbers: unsigned integers of 8, 4 or 2 bits. */
  public static QuantizedTensor of(int[] codes, FloatQuantParams params, int... shape) {
    Dtype dtype =
        Stream.of(Dtype.QUINT8, Dtype.QUINT4X2, Dtype.QUINT2X4)
            .filter(each -> params.qmin() == each.qmin() && params.qmax() == each.qmax())
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "integers from %d to %d are no QUINT8, QUINT4X2 or QUINT2X4"
                            .formatted(params.qmin(), params.qmax())));
    params.dequantize(new int[codes.length], shape); // refuses what does not fit
    return new QuantizedTensor(
        dtype, pack(codes, dtype, shape), null, params, doubles(params.scales()));
  }

  private static dev.octet.graph.Tensor pack(int[] codes, Dtype dtype, int[] shape) {
    for (int i = 0; i < codes.length; i++) {
      if (codes[i] < dtype.qmin() || codes[i] > dtype.qmax()) {
        throw new IllegalArgumentException(
            "code %d at index %d is no %s; choose %d to %d"
                .formatted(codes[i], i, dtype, dtype.qmin(), dtype.qmax()));
      }
    }
    long[] dims = Arrays.stream(shape).asLongStream().toArray();
    if (dtype == Dtype.QUINT4X2) {
      return dev.octet.graph.Tensor.ofRaw(DataType.UINT4, Int4.pack(codes), dims);
    }
    if (dtype == Dtype.QINT32) {
      return dev.octet.graph.Tensor.ofInts(codes, dims);
    }
    byte[] bytes = new byte[codes.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) codes[i];
    }
    return dev.octet.graph.Tensor.ofRaw(dtype.dataType(), bytes, dims);
  }

  // --- Read ------------------------------------------------------------------------------------

  /** The type of the integers. */
  public Dtype dtype() {
    return dtype;
  }

  /** What scales belong to. */
  public Scheme scheme() {
    if (params == null) {
      return Scheme.PER_CHANNEL_AFFINE_FLOAT_QPARAMS;
    }
    return params.granularity() instanceof Granularity.PerAxis
        ? Scheme.PER_CHANNEL_AFFINE
        : Scheme.PER_TENSOR_AFFINE;
  }

  /** The dimensions. */
  public long[] shape() {
    return codes.shape();
  }

  /** The integers as a constant of a graph. */
  public dev.octet.graph.Tensor codes() {
    return codes;
  }

  /** The integers, row-major. */
  public int[] toInts() {
    int count = Math.toIntExact(codes.elementCount());
    ByteBuffer data = codes.data();
    byte[] bytes = new byte[data.remaining()];
    data.get(bytes);
    if (dtype == Dtype.QUINT4X2) {
      return Int4.unpack(bytes, count, false);
    }
    int[] values = new int[count];
    if (dtype == Dtype.QINT32) {
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(values);
      return values;
    }
    for (int i = 0; i < count; i++) {
      values[i] = dtype == Dtype.QINT8 ? bytes[i] : bytes[i] & 0xFF;
    }
    return values;
  }

  /** {@code int_repr}: the integers as a tensor of type Char, Byte (4 bits too) or Int. */
  public Tensor intRepr() {
    if (dtype != Dtype.QUINT4X2) {
      return Tensors.of(codes);
    }
    int[] values = toInts();
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return Tensors.of(dev.octet.graph.Tensor.ofRaw(DataType.UINT8, bytes, codes.shape()));
  }

  /**
   * {@code q_scale}.
   *
   * @throws IllegalStateException if there is one for each index of an axis
   */
  public float scale() {
    return perTensor("scale").scale(0);
  }

  /**
   * {@code q_zero_point}.
   *
   * @throws IllegalStateException if there is one for each index of an axis
   */
  public int zeroPoint() {
    return perTensor("zero point").zeroPoint(0);
  }

  private QuantParams perTensor(String what) {
    if (params == null || scheme() != Scheme.PER_TENSOR_AFFINE) {
      throw new IllegalStateException(
          "there is a " + what + " for each index of axis " + axis() + "; ask for all of them");
    }
    return params;
  }

  /** {@code q_per_channel_scales}; one for a whole tensor. */
  public double[] scales() {
    return scales.clone();
  }

  /** {@code q_per_channel_zero_points}; one for a whole tensor. */
  public float[] zeroPoints() {
    if (params == null) {
      return Objects.requireNonNull(real).zeroPoints();
    }
    float[] zeroPoints = new float[params.count()];
    for (int i = 0; i < zeroPoints.length; i++) {
      zeroPoints[i] = params.zeroPoint(i);
    }
    return zeroPoints;
  }

  /**
   * {@code q_per_channel_axis}.
   *
   * @throws IllegalStateException if there is one scale for the tensor
   */
  public int axis() {
    if (params == null) {
      return Objects.requireNonNull(real).axis();
    }
    if (params.granularity() instanceof Granularity.PerAxis perAxis) {
      return perAxis.axis();
    }
    throw new IllegalStateException("there is one scale for the whole tensor, and no axis");
  }

  /**
   * Scales and zero points.
   *
   * @throws IllegalStateException if zero points are real numbers
   */
  public QuantParams params() {
    if (params == null) {
      throw new IllegalStateException("zero points are real numbers; ask for floatParams()");
    }
    return params;
  }

  /**
   * Scales and zero points that are real numbers.
   *
   * @throws IllegalStateException if they are integers
   */
  public FloatQuantParams floatParams() {
    if (real == null) {
      throw new IllegalStateException("zero points are integers; ask for params()");
    }
    return real;
  }

  /** What the integers stand for, as a tensor of type Float. */
  public Tensor dequantize() {
    return Tensors.of(toFloats(), codes.shape());
  }

  /** What the integers stand for, row-major. */
  public float[] toFloats() {
    int[] shape = Arrays.stream(codes.shape()).mapToInt(Math::toIntExact).toArray();
    return params == null
        ? Objects.requireNonNull(real).dequantize(toInts(), shape)
        : Affine.dequantize(toInts(), shape, params, scales);
  }

  // --- Files -----------------------------------------------------------------------------------

  /**
   * Writes tensors to a safetensors file, whole or not at all.
   *
   * @throws WeightsException if it cannot be written
   */
  public static void save(Path file, Map<String, QuantizedTensor> tensors) {
    QuantizedFile.write(file, tensors);
  }

  /**
   * Reads what {@link #save} wrote, by name.
   *
   * @throws WeightsException if the file cannot be read, is damaged or holds something else
   */
  public static Map<String, QuantizedTensor> load(Path file) {
    return QuantizedFile.read(file);
  }

  private static int[] shape(Tensor x) {
    return Arrays.stream(Tensors.shape(x)).mapToInt(Math::toIntExact).toArray();
  }

  private static float[] floats(Tensor x) {
    ScalarType type = Tensors.type(x);
    if (type != ScalarType.Float) {
      throw new IllegalArgumentException(
          "it quantizes Float values, not " + Tensors.describe(x) + "; convert them first");
    }
    return Tensors.toFloats(x);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof QuantizedTensor that
        && dtype == that.dtype
        && codes.equals(that.codes)
        && Arrays.equals(scales, that.scales)
        && Objects.equals(params, that.params)
        && Objects.equals(real, that.real);
  }

  @Override
  public int hashCode() {
    return Objects.hash(dtype, codes, params, real, Arrays.hashCode(scales));
  }

  @Override
  public String toString() {
    return dtype + Arrays.toString(codes.shape()) + ", " + (params == null ? real : params);
  }
}
