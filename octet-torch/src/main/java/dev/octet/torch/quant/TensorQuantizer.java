package dev.octet.torch.quant;

import dev.octet.core.affine.AmaxQuantizer;
import dev.octet.core.affine.Arithmetic;
import dev.octet.core.affine.QuantParams;
import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.format.Float8;
import dev.octet.core.range.CalibrationException;
import dev.octet.core.range.Range;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.ExtraState;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.Ops;
import dev.octet.torch.op.QuantOps;
import dev.octet.torch.op.TraceException;
import dev.octet.torch.op.Tracer;
import dev.octet.torch.quant.QuantizerConfig.Learned;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Quantizes one tensor of a model: rounds it to what integers can hold and gives the real values
 * back, lets gradients pass, and learns its range.
 *
 * <pre>{@code
 * TensorQuantizer input = new TensorQuantizer(QuantDescriptor.int8Activation());
 * input.disableQuant();
 * input.enableCalib();
 * batches.forEach(input::call);          // collects
 * input.loadCalibAmax();                 // the range becomes part of the state
 * input.disableCalib();
 * input.enableQuant();
 * }</pre>
 *
 * <p>It is pytorch-quantization's TensorQuantizer with its stages, in this order: multiply by the
 * scale before quantization (also when disabled: the weights that follow were divided by it), stop
 * here if disabled, collect, clip to learned bounds, quantize. Where the range is not known it is
 * that of each tensor ("dynamic"); a tensor with NaN or infinities has none, which is an error.
 *
 * <p>The state holds {@code _amax} (0-d, or size 1 along axes that share) where integers are
 * symmetric and {@code _min}, {@code _max} where they have a zero point; {@code _pre_quant_scale};
 * {@code clip.clip_value_min}, {@code clip.clip_value_max} for learned bounds; {@code _scale},
 * {@code _zero_point} for a learned scale. The rest, {@link #config()} and what a calibrator has
 * collected so far, is the module's extra state, so that a run resumed from both is the same run.
 */
public final class TensorQuantizer extends Module {
  /** The least that 8-bit floats can be scaled to. */
  private static final float LEAST_AMAX = 0x1p-23f;

  private static final String AMAX = "_amax";
  private static final String MIN = "_min";
  private static final String MAX = "_max";
  private static final String PRE_QUANT_SCALE = "_pre_quant_scale";
  private static final String SCALE = "_scale";
  private static final String ZERO_POINT = "_zero_point";

  /** A quantizer for fixed ranges, and what it was made from: it is good while that is the same. */
  private record Cached(
      FakeQuantizer quantizer,
      QuantizerConfig config,
      Tensor first,
      @Nullable Tensor second,
      long version,
      AtomicInteger users) {
    /** Whether it could be taken into use: one that was freed cannot. */
    boolean enter() {
      return users.getAndUpdate(n -> n == 0 ? 0 : n + 1) > 0;
    }

    /** The last user frees it; the cache itself is one. */
    void leave() {
      if (users.decrementAndGet() == 0) {
        quantizer.close();
      }
    }
  }

  private volatile QuantizerConfig config;
  private Calibrator calibrator;
  private @Nullable Child<Clip> clip;
  private volatile @Nullable Cached cached;
  private volatile @Nullable Tensor realScale;

  /** Fake-quantizes as described, with {@linkplain QuantizerConfig#of all else as usual}. */
  public TensorQuantizer(QuantDescriptor descriptor) {
    this(QuantizerConfig.of(descriptor));
  }

  /** Does what the settings say. A fixed range in the descriptor becomes the range. */
  public TensorQuantizer(QuantizerConfig config) {
    this.config = config;
    this.calibrator = new RangeCalibrator(config.descriptor());
    Range fixed = config.descriptor().fixedRange();
    if (fixed != null) {
      setRanges(List.of(fixed));
    }
    if (config.learned() == Learned.BOUNDS) {
      addClip();
    } else if (config.learned() == Learned.STEP && fixed != null) {
      addStep();
    }
  }

  // --- Settings --------------------------------------------------------------------------------

  /** The settings as they are now. */
  public QuantizerConfig config() {
    return config;
  }

  /**
   * Takes other settings over; ranges stay where they have a meaning. What was collected is
   * forgotten where the descriptor changes.
   */
  public void config(QuantizerConfig next) {
    QuantDescriptor before = config.descriptor();
    if (!before.equals(next.descriptor())) {
      calibrator = new RangeCalibrator(next.descriptor());
      if (before.symmetric() != next.descriptor().symmetric()
          || !before.granularity().equals(next.descriptor().granularity())) {
        clearRange();
      }
    }
    config = next;
    Range fixed = next.descriptor().fixedRange();
    if (fixed != null && !fixed.equals(before.fixedRange())) {
      setRanges(List.of(fixed));
    }
    if (next.learned() == Learned.BOUNDS && clip == null) {
      addClip();
    } else if (next.learned() == Learned.STEP && !hasStep() && hasRange()) {
      addStep();
    }
    Child<Clip> bounds = clip;
    if (bounds != null) {
      bounds.get().learn(next.clip());
    }
  }

  private void change(QuantizerConfig.Builder to) {
    config(to.build());
  }

  /** Inputs are treated again as the stages say. */
  public void enable() {
    change(config.toBuilder().disabled(false));
  }

  /** Inputs pass as they are. */
  public void disable() {
    change(config.toBuilder().disabled(true));
  }

  /** Inputs are quantized. */
  public void enableQuant() {
    change(config.toBuilder().quant(true));
  }

  /** Inputs are not quantized. */
  public void disableQuant() {
    change(config.toBuilder().quant(false));
  }

  /** Inputs are collected by the calibrator. */
  public void enableCalib() {
    change(config.toBuilder().calib(true));
  }

  /** Inputs are not collected. */
  public void disableCalib() {
    change(config.toBuilder().calib(false));
  }

  /**
   * Inputs are clipped to the learned bounds, which train.
   *
   * @throws IllegalArgumentException without learned bounds
   */
  public void enableClip() {
    change(config.toBuilder().clip(true));
  }

  /** The learned bounds do not train; quantizing still clips to them. */
  public void disableClip() {
    change(config.toBuilder().clip(false));
  }

  /**
   * Makes the bounds parameters that train, starting from the range (±1 where it is not known).
   *
   * @throws IllegalArgumentException unless there is one range for the whole tensor
   */
  public void learnAmax() {
    change(config.toBuilder().learned(Learned.BOUNDS));
  }

  /**
   * Makes the scale, and the zero point if affine, parameters that train (LSQ, LSQ+), starting from
   * the range.
   *
   * @throws IllegalStateException if the range is not known
   */
  public void learnScale() {
    if (!hasStep() && !hasRange()) {
      throw new IllegalStateException(
          this + " has no range to start from; calibrate it or set one before learning its scale");
    }
    change(config.toBuilder().learned(Learned.STEP));
  }

  /** Sets the factor by which the range is multiplied when it is used, positive. */
  public void scaleAmax(float factor) {
    change(config.toBuilder().scaleAmax(factor));
  }

  /** Whether inputs are treated as the stages say; otherwise they pass as they are. */
  public boolean isEnabled() {
    return !config.disabled();
  }

  /** Whether inputs are quantized, while enabled. */
  public boolean isQuant() {
    return config.quant();
  }

  /** Whether inputs are collected, while enabled. */
  public boolean isCalib() {
    return config.calib();
  }

  /** Whether learned bounds train. */
  public boolean isClip() {
    return config.clip();
  }

  /** The width of the integers. */
  public int numBits() {
    return config.descriptor().bits();
  }

  /** Whether the integers are unsigned. */
  public boolean unsigned() {
    return !config.descriptor().signed();
  }

  /** Whether the most negative integer is left out. */
  public boolean narrowRange() {
    return config.descriptor().narrow();
  }

  /** Sets whether the most negative integer is left out; only when signed. */
  public void narrowRange(boolean on) {
    QuantDescriptor descriptor = config.descriptor().toBuilder().narrow(on).build();
    Calibrator kept = calibrator;
    change(config.toBuilder().descriptor(descriptor));
    calibrator = kept;
  }

  /** The largest integer. */
  public int maxbound() {
    return config.descriptor().qmax();
  }

  /** Whether inputs can be collected: ranges in blocks are those of weights, found at once. */
  public boolean hasCalibrator() {
    return !(config.descriptor().granularity() instanceof Granularity.PerBlock)
        || !(calibrator instanceof RangeCalibrator);
  }

  /** What collects. */
  public Calibrator calibrator() {
    return calibrator;
  }

  /** Sets what collects. */
  public void calibrator(Calibrator collects) {
    calibrator = collects;
  }

  // --- Range -----------------------------------------------------------------------------------

  /** The largest magnitudes where integers are symmetric, or null while they are dynamic. */
  public @Nullable Tensor amax() {
    return ownBuffers().get(AMAX);
  }

  /**
   * Sets the largest magnitude for all elements.
   *
   * @throws IllegalArgumentException unless it is finite and not negative
   */
  public void amax(float value) {
    try (Scope scope = Scope.open()) {
      amax(Tensors.scalar(value));
    }
  }

  /**
   * Sets the largest magnitudes, by copy. One value fills all where there are several.
   *
   * @param values finite and not negative
   * @throws IllegalArgumentException if their number is not that of the magnitudes there are; see
   *     {@link #clearRange}
   */
  public void amax(Tensor values) {
    requireSymmetric();
    for (float value : Tensors.toFloats(values)) {
      checkAmax(value);
    }
    Tensor there = amax();
    if (there == null) {
      put(AMAX, values);
      return;
    }
    if (values.numel() != 1 && values.numel() != there.numel()) {
      throw new IllegalArgumentException(
          this
              + " has amax "
              + Tensors.describe(there)
              + ", which "
              + Tensors.describe(values)
              + " does not fit; clear the range before giving one of another shape");
    }
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      there.copy_(values.numel() == 1 ? values.reshape() : values.reshape(Tensors.shape(there)));
    }
  }

  private static void checkAmax(float value) {
    if (!(value >= 0 && value < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "amax is " + value + "; it must be finite and not negative");
    }
  }

  private void requireSymmetric() {
    if (!config.descriptor().symmetric()) {
      throw new IllegalArgumentException(
          this + " has a zero point and so a range, not an amax; set ranges");
    }
  }

  /** One range for all elements. */
  public void setRanges(List<Range> ranges) {
    setRanges(ranges, ranges.size() == 1 ? new long[0] : new long[] {ranges.size()});
  }

  /**
   * Sets the ranges, in the order of the scales; what was there is replaced.
   *
   * @param shape in which the state holds them: [] for one, else size 1 along axes that share
   */
  public void setRanges(List<Range> ranges, long[] shape) {
    float[] min = new float[ranges.size()];
    float[] max = new float[ranges.size()];
    float[] amax = new float[ranges.size()];
    boolean signed = config.descriptor().signed();
    for (int i = 0; i < min.length; i++) {
      min[i] = ranges.get(i).min();
      max[i] = ranges.get(i).max();
      amax[i] = signed ? ranges.get(i).amax() : Math.max(max[i], 0);
    }
    try (Scope scope = Scope.open()) {
      if (config.descriptor().symmetric()) {
        put(AMAX, Tensors.of(amax, shape));
      } else {
        put(MIN, Tensors.of(min, shape));
        put(MAX, Tensors.of(max, shape));
      }
    }
    if (config.learned() == Learned.STEP) {
      removeStep();
      addStep();
    }
  }

  /** The ranges, in the order of the scales, without {@link #scaleAmax}; none while dynamic. */
  public List<Range> ranges() {
    Tensor amax = ownBuffers().get(AMAX);
    Tensor min = ownBuffers().get(MIN);
    Tensor max = ownBuffers().get(MAX);
    List<Range> ranges = new ArrayList<>();
    if (amax != null) {
      for (float each : Tensors.toFloats(amax)) {
        checkAmax(each);
        ranges.add(config.descriptor().signed() ? Range.symmetric(each) : new Range(0, each));
      }
    } else if (min != null && max != null) {
      float[] high = Tensors.toFloats(max);
      float[] low = Tensors.toFloats(min);
      for (int i = 0; i < low.length; i++) {
        ranges.add(new Range(low[i], high[i]));
      }
    }
    return ranges;
  }

  /** Whether the range is known; otherwise it is dynamic. */
  public boolean hasRange() {
    return ownBuffers().containsKey(AMAX) || ownBuffers().containsKey(MAX);
  }

  /** Forgets the range: it is that of each tensor again. */
  public void clearRange() {
    removeBuffer(AMAX);
    removeBuffer(MIN);
    removeBuffer(MAX);
  }

  /** Takes the range from what was collected, by the descriptor's method. */
  public void loadCalibAmax() {
    loadCalibAmax(config.descriptor().method());
  }

  /**
   * Takes the range from what was collected, by any method that it allows.
   *
   * @throws CalibrationException if nothing was collected
   */
  public void loadCalibAmax(RangeMethod method) {
    setRanges(calibrator.ranges(method), calibrator.shape());
  }

  /**
   * What multiplies the input before all else, e.g. SmoothQuant's; null where there is none. It
   * broadcasts against the input.
   */
  public @Nullable Tensor preQuantScale() {
    return ownBuffers().get(PRE_QUANT_SCALE);
  }

  /** Sets what multiplies the input, by copy; null for nothing. */
  public void preQuantScale(@Nullable Tensor values) {
    if (values == null) {
      removeBuffer(PRE_QUANT_SCALE);
    } else {
      put(PRE_QUANT_SCALE, values);
    }
  }

  /**
   * The size of one step between quantized values, without {@link #scaleAmax}: amax / qmax for
   * symmetric integers; the learned scale where it is learned.
   *
   * @throws IllegalStateException while the range is dynamic
   */
  public float[] stepSize() {
    if (config.learned() == Learned.NOTHING && !hasRange()) {
      throw new IllegalStateException(
          this + " has a dynamic range, which has no step of its own; calibrate it or set a range");
    }
    return params(1).scales();
  }

  /**
   * What the integers of the last call are divided by to become real values, where integers come
   * out ({@code fakeQuant} is off).
   *
   * @throws IllegalStateException otherwise, or before the first call
   */
  public Tensor scale() {
    Tensor last = realScale;
    if (last == null) {
      throw new IllegalStateException(
          this + " gave no integers yet, which a scale would belong to");
    }
    return last;
  }

  private void put(String name, Tensor values) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor there = ownBuffers().get(name);
      if (there != null && Arrays.equals(Tensors.shape(there), Tensors.shape(values))) {
        there.copy_(values);
        return;
      }
      removeBuffer(name);
      buffer(name, values.detach().to(ScalarType.Float).clone());
    }
  }

  // --- Learned constants -----------------------------------------------------------------------

  private void addClip() {
    float bound = 0;
    float low = 0;
    for (Range range : ranges()) {
      bound = Math.max(bound, range.max());
      low = Math.min(low, range.min());
    }
    if (bound == 0 && low == 0) {
      bound = 1;
      low = -1;
    }
    if (config.descriptor().symmetric()) {
      low = config.descriptor().signed() ? -Math.max(bound, -low) : 0;
    }
    clip = child("clip", new Clip(low, bound));
  }

  private boolean hasStep() {
    return ownParameters().containsKey(SCALE);
  }

  private void addStep() {
    List<Range> ranges = ranges();
    QuantParams start = QuantParams.of(config.descriptor(), ranges);
    Tensor there = ownBuffers().get(config.descriptor().symmetric() ? AMAX : MAX);
    long[] shape = there == null ? new long[0] : Tensors.shape(there);
    float[] zeros = new float[start.count()];
    for (int i = 0; i < zeros.length; i++) {
      zeros[i] = start.zeroPoint(i);
    }
    try (Scope scope = Scope.open()) {
      parameter(SCALE, Tensors.of(start.scales(), shape));
      if (!config.descriptor().symmetric()) {
        parameter(ZERO_POINT, Tensors.of(zeros, shape));
      }
    }
  }

  private void removeStep() {
    removeParameter(SCALE);
    removeParameter(ZERO_POINT);
  }

  // --- Computation -----------------------------------------------------------------------------

  @Override
  protected Tensor forward(Tensor input) {
    QuantizerConfig now = config;
    Tensor x = input;
    Tensor factor = preQuantScale();
    if (factor != null) {
      x = Ops.mul(x, factor);
    }
    if (now.disabled()) {
      return x;
    }
    if (now.calib()) {
      calibrator.collect(x);
    }
    if (!now.quant()) {
      return now.clip() ? bounds().call(x) : x;
    }
    if (x.numel() == 0) {
      return x;
    }
    if (now.descriptor().float8() != null) {
      return float8(x, now.descriptor().float8());
    }
    if (now.learned() == Learned.STEP) {
      return learnedStep(x);
    }
    if (now.learned() == Learned.BOUNDS) {
      return learnedBounds(bounds().call(x));
    }
    if (now.arithmetic() == Arithmetic.PYTORCH_QUANTIZATION) {
      return original(x);
    }
    return hasRange() ? fixed(x) : dynamic(x);
  }

  private Child<Clip> bounds() {
    Child<Clip> there = clip;
    if (there == null) {
      throw new IllegalStateException(this + " has no learned bounds; load its state");
    }
    return there;
  }

  private Tensor fixed(Tensor x) {
    Cached entered = enterCached();
    try {
      FakeQuantizer quantizer = entered.quantizer();
      return traced(quantizer.apply(x), x, quantizer.params());
    } finally {
      entered.leave();
    }
  }

  private Tensor dynamic(Tensor x) {
    QuantDescriptor descriptor = config.descriptor();
    List<Range> ranges = scaled(ranges(x), config.scaleAmax());
    if (Tracer.current() == null) {
      try (FakeQuantizer quantizer =
          FakeQuantizer.of(QuantParams.of(descriptor, ranges), config.arithmetic())) {
        return quantizer.apply(x);
      }
    }
    if (!descriptor.symmetric()
        && !descriptor.signed()
        && descriptor.bits() == 8
        && config.scaleAmax() == 1
        && descriptor.granularity() instanceof Granularity.PerTensor) {
      return QuantOps.dynamicQuantizeDequantize(
          FakeQuantize.affine(x, QuantParams.dynamic(ranges.get(0))), x);
    }
    throw new TraceException(
        this
            + " has a dynamic range; a graph has those for unsigned affine 8-bit integers of a whole"
            + " tensor only. Calibrate it, or set a range, before tracing");
  }

  /** Rounds what was clipped already: the bounds have their gradients, so all of it passes. */
  private Tensor learnedBounds(Tensor clipped) {
    QuantParams params = params(config.scaleAmax());
    Tensor y = clipped.mul(new org.bytedeco.pytorch.Scalar(1.0));
    if (config.arithmetic() == Arithmetic.PYTORCH_QUANTIZATION) {
      float amax = learnedRange().amax() * config.scaleAmax();
      y.detach().copy_(FakeQuantize.amax(clipped.detach(), Tensors.scalar(amax), amaxQuantizer()));
    } else {
      try (FakeQuantizer quantizer = FakeQuantizer.of(params, config.arithmetic())) {
        y.detach().copy_(quantizer.apply(clipped.detach()));
      }
    }
    return traced(y, clipped, params);
  }

  private Range learnedRange() {
    Clip learned = bounds().get();
    float min = learned.min();
    float max = learned.max();
    return new Range(Math.min(min, max), Math.max(min, max));
  }

  private Tensor learnedStep(Tensor x) {
    Tensor scale = ownParameters().get(SCALE);
    if (scale == null) {
      throw new IllegalStateException(
          this + " learns its scale but has none yet; set a range or load its state");
    }
    if (isTraining()) {
      try (Torch.Switched noGrad = Torch.noGrad()) {
        scale.clamp_(FakeQuantize.optional(LearnedStep.SMALLEST));
      }
    }
    Tensor zeroPoint = ownParameters().get(ZERO_POINT);
    Tensor y = LearnedStep.apply(x, scale, zeroPoint, config.descriptor());
    return Tracer.current() == null ? y : traced(y, x, params(1));
  }

  private Tensor original(Tensor x) {
    Blocks blocks = Blocks.of(x, config.descriptor().granularity());
    Tensor split = blocks.split();
    Tensor amax = amax(blocks, split);
    Tensor y;
    if (config.fakeQuant()) {
      y = FakeQuantize.amax(split, amax, amaxQuantizer());
    } else {
      FakeQuantize.Integers integers = FakeQuantize.tensorQuant(split, amax, amaxQuantizer());
      Tensor next = Scope.keep(integers.scale());
      synchronized (this) {
        Tensor before = realScale;
        realScale = next;
        if (before != null) {
          before.close();
        }
      }
      y = integers.integers();
    }
    if (Tracer.current() == null) {
      return blocks.join(y);
    }
    if (!hasRange() || !config.fakeQuant()) {
      throw new TraceException(
          this
              + " has a dynamic range or gives integers, which a graph has no operator for;"
              + " calibrate it before tracing");
    }
    return traced(blocks.join(y), x, params(config.scaleAmax()));
  }

  /** The largest magnitudes, known or those of a tensor, as they broadcast against it. */
  private Tensor amax(Blocks blocks, Tensor split) {
    Tensor known = amax();
    Tensor amax;
    if (known != null) {
      int count = Math.toIntExact(known.numel());
      amax = count == 1 ? known.reshape() : known.reshape(blocks.scalesShape(count));
    } else {
      Tensor magnitudes = split.detach().abs();
      amax =
          config.descriptor().granularity() instanceof Granularity.PerTensor
              ? magnitudes.max()
              : blocks.shared().length == 0 ? magnitudes : magnitudes.amax(blocks.shared(), true);
    }
    return config.scaleAmax() == 1
        ? amax
        : amax.to(ScalarType.Float).mul(new org.bytedeco.pytorch.Scalar(config.scaleAmax()));
  }

  private Tensor float8(Tensor x, Float8 format) {
    Blocks blocks = Blocks.of(x, config.descriptor().granularity());
    Tensor split = blocks.split();
    // Where all is zero, any range does.
    Tensor amax =
        amax(blocks, split).clamp_min(new org.bytedeco.pytorch.Scalar((double) LEAST_AMAX));
    boolean divides = config.arithmetic() != Arithmetic.PYTORCH_QUANTIZATION;
    Tensor y = blocks.join(FakeQuantize.float8(split, amax, format, divides));
    if (Tracer.current() == null) {
      return y;
    }
    if (!hasRange()) {
      throw new TraceException(
          this + " has a dynamic range, which a graph has for integers only; calibrate it first");
    }
    float[] scales = Tensors.toFloats(amax);
    for (int i = 0; i < scales.length; i++) {
      scales[i] /= format.maxValue();
    }
    return QuantOps.float8(y, x, scales, config.descriptor().granularity(), format);
  }

  private AmaxQuantizer amaxQuantizer() {
    QuantDescriptor descriptor = config.descriptor();
    return new AmaxQuantizer(
        descriptor.bits(), !descriptor.signed(), descriptor.narrow() || !config.fakeQuant());
  }

  private Tensor traced(Tensor output, Tensor input, QuantParams params) {
    if (Tracer.current() == null) {
      return output;
    }
    long[] shape =
        params.count() == 1
            ? new long[0]
            : Blocks.of(input, params.granularity()).scalesShape(params.count());
    return QuantOps.quantizeDequantize(output, input, params, shape);
  }

  /** Scales and zero points as they are used now, for a range that is known or learned. */
  public QuantParams params() {
    return params(config.scaleAmax());
  }

  private QuantParams params(float factor) {
    QuantDescriptor descriptor = config.descriptor();
    Tensor scale = ownParameters().get(SCALE);
    if (config.learned() == Learned.STEP && scale != null) {
      float[] scales = Tensors.toFloats(scale);
      int[] zeros = new int[scales.length];
      Tensor zeroPoint = ownParameters().get(ZERO_POINT);
      if (zeroPoint != null) {
        float[] learned = Tensors.toFloats(zeroPoint);
        for (int i = 0; i < zeros.length; i++) {
          double nearest = Math.rint(learned[i]);
          zeros[i] = (int) Math.max(descriptor.qmin(), Math.min(descriptor.qmax(), nearest));
        }
      }
      Granularity granularity =
          scales.length == 1 ? Granularity.perTensor() : descriptor.granularity();
      return QuantParams.affine(scales, zeros, granularity, descriptor.qmin(), descriptor.qmax());
    }
    List<Range> ranges = config.learned() == Learned.BOUNDS ? List.of(learnedRange()) : ranges();
    return QuantParams.of(descriptor, scaled(ranges, factor));
  }

  private static List<Range> scaled(List<Range> ranges, float factor) {
    return factor == 1
        ? ranges
        : ranges.stream().map(r -> new Range(r.min() * factor, r.max() * factor)).toList();
  }

  /** The caller leaves it. */
  private Cached enterCached() {
    Map<String, Tensor> buffers = ownBuffers();
    boolean symmetric = config.descriptor().symmetric();
    Tensor first = buffers.get(symmetric ? AMAX : MAX);
    Tensor second = symmetric ? null : buffers.get(MIN);
    Cached known = cached;
    if (known != null && isCurrent(known, first, second) && known.enter()) {
      return known;
    }
    synchronized (this) {
      known = cached;
      if (known != null) {
        if (isCurrent(known, first, second) && known.enter()) {
          return known;
        }
        cached = null;
        known.leave();
      }
      if (first == null) {
        throw new IllegalStateException(this + " has no range; calibrate it or set one");
      }
      FakeQuantizer made = FakeQuantizer.of(params(config.scaleAmax()), config.arithmetic());
      // Used by the cache and by the caller.
      AtomicInteger users = new AtomicInteger(2);
      Cached next = new Cached(made, config, first, second, version(first, second), users);
      cached = next;
      return next;
    }
  }

  @SuppressWarnings("ReferenceEquality") // The handle itself is what may have been exchanged.
  private boolean isCurrent(Cached known, @Nullable Tensor first, @Nullable Tensor second) {
    return known.first() == first
        && known.second() == second
        && known.config() == config
        && known.version() == version(first, second);
  }

  private static long version(@Nullable Tensor first, @Nullable Tensor second) {
    // Both only ever grow.
    return (first == null ? 0 : first._version()) + (second == null ? 0 : second._version());
  }

  private List<Range> ranges(Tensor x) {
    Granularity granularity = config.descriptor().granularity();
    try (Scope scope = Scope.open()) {
      Blocks blocks = Blocks.of(x.detach(), granularity);
      Tensor split = blocks.split();
      float[] min;
      float[] max;
      if (granularity instanceof Granularity.PerTensor) {
        T_TensorTensor_T ends = torch.aminmax(split);
        min = Tensors.toFloats(ends.get0());
        max = Tensors.toFloats(ends.get1());
      } else if (blocks.shared().length == 0) {
        min = Tensors.toFloats(split);
        max = min;
      } else {
        min = Tensors.toFloats(split.amin(blocks.shared(), false));
        max = Tensors.toFloats(split.amax(blocks.shared(), false));
      }
      List<Range> ranges = new ArrayList<>(min.length);
      for (int i = 0; i < min.length; i++) {
        if (!Float.isFinite(min[i]) || !Float.isFinite(max[i])) {
          throw new IllegalArgumentException(
              Tensors.describe(x)
                  + " holds NaN or infinities, so it has no range; find where they come from, or"
                  + " calibrate the quantizer, which leaves them out");
        }
        ranges.add(new Range(min[i], max[i]));
      }
      return ranges;
    }
  }

  // --- Module ----------------------------------------------------------------------------------

  @Override
  protected void beforeLoad(String path, Map<String, Tensor> state) {
    String prefix = path.isEmpty() ? "" : path + ".";
    for (String name : List.of(AMAX, MIN, MAX, PRE_QUANT_SCALE)) {
      Tensor brought = state.get(prefix + name);
      if (brought != null) {
        put(name, Tensors.check(brought, prefix + name));
      }
    }
    if (state.containsKey(prefix + "clip.clip_value_min") && clip == null) {
      learnAmax();
    }
    for (String name : List.of(SCALE, ZERO_POINT)) {
      Tensor brought = state.get(prefix + name);
      Tensor there = ownParameters().get(name);
      if (brought != null
          && (there == null
              || !Arrays.equals(
                  Tensors.shape(there), Tensors.shape(Tensors.check(brought, prefix + name))))) {
        removeParameter(name);
        try (Torch.Switched noGrad = Torch.noGrad();
            Scope scope = Scope.open()) {
          parameter(name, brought.detach().to(ScalarType.Float).clone());
        }
      }
    }
    if (hasStep() && config.learned() != Learned.STEP) {
      config = config.toBuilder().learned(Learned.STEP).build();
    }
  }

  @Override
  protected ExtraState extraState() {
    return new QuantizerState(this);
  }

  @Override
  protected void release() {
    Cached known = cached;
    if (known != null) {
      cached = null;
      known.leave();
    }
    Tensor last = realScale;
    if (last != null) {
      last.close();
      realScale = null;
    }
  }

  /** In the original's form, e.g. {@code 8bit fake per-tensor amax=2.1000 ...}. */
  @Override
  protected String settings() {
    QuantizerConfig now = config;
    if (now.disabled()) {
      return "disabled";
    }
    QuantDescriptor descriptor = now.descriptor();
    StringBuilder text = new StringBuilder();
    text.append(descriptor.signed() ? "" : "unsigned ").append(descriptor.bits()).append("bit");
    text.append(descriptor.float8() == null ? "" : " " + descriptor.float8());
    text.append(descriptor.narrow() ? " narrow" : "");
    text.append(descriptor.symmetric() ? "" : " affine");
    text.append(now.fakeQuant() ? " fake" : "");
    Granularity granularity = descriptor.granularity();
    if (granularity instanceof Granularity.PerTensor) {
      text.append(" per-tensor");
    } else if (granularity instanceof Granularity.PerAxis perAxis) {
      text.append(" axis=").append(perAxis.axis());
    } else if (granularity instanceof Granularity.PerBlock perBlock) {
      text.append(" axis=").append(perBlock.axis()).append(" block=").append(perBlock.size());
    }
    text.append(descriptor.symmetric() ? " amax=" : " range=").append(rangeText());
    text.append(now.scaleAmax() == 1 ? "" : "*" + now.scaleAmax());
    text.append(preQuantScale() == null ? "" : " pre_quant_scale");
    text.append(
        switch (now.learned()) {
          case NOTHING -> "";
          case BOUNDS -> " learned";
          case STEP -> " learned step";
        });
    text.append(" calibrator=").append(calibrator.name());
    Tensor last = realScale;
    if (last != null && last.numel() == 1) {
      text.append(" scale=").append(Tensors.toFloats(last)[0]);
    }
    text.append(now.quant() ? " quant" : "");
    text.append(now.clip() ? " clip" : "");
    text.append(now.calib() ? " calib" : "");
    return text.toString();
  }

  private String rangeText() {
    List<Range> ranges = ranges();
    boolean symmetric = config.descriptor().symmetric();
    if (ranges.isEmpty()) {
      return "dynamic";
    }
    if (ranges.size() == 1) {
      Range range = ranges.get(0);
      return symmetric ? number(range.amax()) : pair(range.min(), range.max());
    }
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (Range range : ranges) {
      least = Math.min(least, symmetric ? range.amax() : range.min());
      most = Math.max(most, symmetric ? range.amax() : range.max());
    }
    return pair(least, most) + "(" + ranges.size() + ")";
  }

  private static String pair(float low, float high) {
    return "[" + number(low) + ", " + number(high) + "]";
  }

  private static String number(float value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
