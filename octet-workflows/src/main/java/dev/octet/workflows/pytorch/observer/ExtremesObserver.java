package dev.octet.workflows.pytorch.observer;

import dev.octet.core.descriptor.Granularity;
import dev.octet.core.descriptor.QuantDescriptor;
import dev.octet.core.descriptor.RangeMethod;
import dev.octet.core.range.CalibrationException;
import dev.octet.core.range.Observed;
import dev.octet.core.range.Range;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.op.Tracer;
import dev.octet.torch.quant.RangeCalibrator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the observers of smallest and largest values share. Their state is PyTorch's: {@code
 * min_val} and {@code max_val}, +∞ and −∞ before the first batch, without length where there is one
 * for each channel.
 *
 * <p>NaN and infinities are left out (PyTorch keeps them, and then has no finite scale). Empty
 * batches change nothing.
 */
public abstract sealed class ExtremesObserver extends ObserverBase
    permits MinMaxObserver,
        MovingAverageMinMaxObserver,
        PerChannelMinMaxObserver,
        MovingAveragePerChannelMinMaxObserver {
  private static final Logger LOG = LoggerFactory.getLogger(ExtremesObserver.class);
  private static final String MIN = "min_val";
  private static final String MAX = "max_val";

  private final RangeMethod method;
  private final int channelAxis;

  /**
   * @param channelAxis -1 for one range
   */
  ExtremesObserver(ObserverSettings settings, RangeMethod method, int channelAxis) {
    super(settings);
    requireIntegers();
    this.method = method;
    this.channelAxis = channelAxis;
    boolean perChannel = channelAxis >= 0;
    if (settings.qscheme().isPerChannel() != perChannel
        || settings.qscheme() == QScheme.PER_TOKEN_AFFINE) {
      throw new IllegalArgumentException(
          "%s learns %s, which %s is not"
              .formatted(
                  getClass().getSimpleName(),
                  perChannel ? "a range for each channel" : "one range",
                  settings.qscheme()));
    }
    try (Scope scope = Scope.open()) {
      float[] start = perChannel ? new float[0] : new float[] {Float.POSITIVE_INFINITY};
      float[] end = perChannel ? new float[0] : new float[] {Float.NEGATIVE_INFINITY};
      long[] shape = perChannel ? new long[] {0} : new long[0];
      buffer(MIN, Tensors.of(start, shape));
      buffer(MAX, Tensors.of(end, shape));
    }
  }

  /** A channel axis, which counts from the first. */
  static int axis(int channelAxis) {
    if (channelAxis < 0) {
      throw new IllegalArgumentException(
          "the channel axis is " + channelAxis + "; count from the first, which is 0");
    }
    return channelAxis;
  }

  @Override
  public final int channelAxis() {
    return channelAxis;
  }

  /** The smallest value, {@code []} or {@code [C]}: the live buffer. */
  public final Tensor minVal() {
    return state(MIN);
  }

  /** The largest value, {@code []} or {@code [C]}: the live buffer. */
  public final Tensor maxVal() {
    return state(MAX);
  }

  private Tensor state(String name) {
    Tensor tensor = ownBuffers().get(name);
    if (tensor == null) {
      throw new IllegalStateException(this + " has no " + name);
    }
    return tensor;
  }

  @Override
  protected final Tensor forward(Tensor x) {
    if (Tracer.current() == null && Tensors.check(x, "the batch").numel() > 0) {
      observe(x);
    }
    return x;
  }

  /** The state is in the buffers alone: a collector starts from them and ends in them. */
  private void observe(Tensor x) {
    Granularity granularity =
        channelAxis < 0 ? Granularity.perTensor() : Granularity.perAxis(channelAxis);
    RangeCalibrator calibrator =
        new RangeCalibrator(
            QuantDescriptor.builder().granularity(granularity).method(method).build());
    try (Scope scope = Scope.open()) {
      if (isObserved()) {
        calibrator.collect(seen());
      }
      calibrator.collect(x);
      if (calibrator.observed().stream().map(Observed::finite).anyMatch(count -> count == 0)) {
        return;
      }
      List<Range> ranges = calibrator.ranges(method);
      float[] min = new float[ranges.size()];
      float[] max = new float[min.length];
      for (int i = 0; i < min.length; i++) {
        min[i] = ranges.get(i).min();
        max[i] = ranges.get(i).max();
      }
      long[] shape = channelAxis < 0 ? new long[0] : new long[] {min.length};
      put(Tensors.of(min, shape), Tensors.of(max, shape));
    }
  }

  /** The extremes as a batch that holds nothing else. */
  private Tensor seen() {
    float[] min = Tensors.toFloats(minVal());
    float[] max = Tensors.toFloats(maxVal());
    float[] both = new float[2 * min.length];
    for (int i = 0; i < min.length; i++) {
      both[2 * i] = min[i];
      both[2 * i + 1] = max[i];
    }
    if (channelAxis < 0) {
      return Tensors.of(both, 2);
    }
    long[] shape = new long[channelAxis + 2];
    Arrays.fill(shape, 1);
    shape[channelAxis] = min.length;
    shape[channelAxis + 1] = 2;
    return Tensors.of(both, shape);
  }

  private void put(Tensor min, Tensor max) {
    if (minVal().numel() == min.numel()) {
      try (Torch.Switched noGrad = Torch.noGrad()) {
        minVal().copy_(min);
        maxVal().copy_(max);
      }
      return;
    }
    removeBuffer(MIN);
    removeBuffer(MAX);
    buffer(MIN, min);
    buffer(MAX, max);
  }

  /** Takes over tensors that another module changes. */
  final void share(Tensor min, Tensor max) {
    removeBuffer(MIN);
    removeBuffer(MAX);
    shareBuffer(MIN, min);
    shareBuffer(MAX, max);
  }

  /** Forgets everything; PyTorch's {@code reset_min_max_vals}. */
  public final void reset() {
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      minVal().copy_(Tensors.scalar(Float.POSITIVE_INFINITY));
      maxVal().copy_(Tensors.scalar(Float.NEGATIVE_INFINITY));
    }
  }

  @Override
  public final boolean isObserved() {
    float[] min = Tensors.toFloats(minVal());
    float[] max = Tensors.toFloats(maxVal());
    boolean seen = min.length > 0;
    for (int i = 0; i < min.length; i++) {
      seen &= Float.isFinite(min[i]) && Float.isFinite(max[i]) && min[i] <= max[i];
    }
    return seen;
  }

  @Override
  public final QParams calculateQParams() {
    float[] min = Tensors.toFloats(minVal());
    float[] max = Tensors.toFloats(maxVal());
    boolean untouched = true;
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < min.length; i++) {
      if (min[i] == Float.POSITIVE_INFINITY && max[i] == Float.NEGATIVE_INFINITY) {
        continue;
      }
      untouched = false;
      if (!(Float.isFinite(min[i]) && Float.isFinite(max[i]) && min[i] <= max[i])) {
        throw new CalibrationException(
            "%s holds the extremes [%s, %s] of channel %d, which are no range"
                .formatted(this, min[i], max[i], i));
      }
      ranges.add(new Range(min[i], max[i]));
    }
    if (untouched) {
      LOG.warn("{} has seen no values; scale 1 and zero point 0 stand for what is not known", this);
      return QParams.given(
          new float[] {1},
          new double[] {0},
          observerSettings(),
          min.length == 0 ? -1 : channelAxis);
    }
    if (ranges.size() < min.length) {
      throw new CalibrationException(
          "%s saw finite values in %d of %d channels; call it on more data"
              .formatted(this, ranges.size(), min.length));
    }
    return QParams.of(ranges, observerSettings(), channelAxis);
  }

  @Override
  protected final void beforeLoad(String path, Map<String, Tensor> state) {
    String prefix = path.isEmpty() ? "" : path + ".";
    Tensor min = state.get(prefix + MIN);
    Tensor max = state.get(prefix + MAX);
    if (channelAxis < 0 || min == null || max == null) {
      return;
    }
    try (Scope scope = Scope.open()) {
      put(min.detach().clone(), max.detach().clone());
    }
  }

  @Override
  protected final String settings() {
    return "min_val=%s, max_val=%s"
        .formatted(
            Arrays.toString(Tensors.toFloats(minVal())),
            Arrays.toString(Tensors.toFloats(maxVal())));
  }
}
