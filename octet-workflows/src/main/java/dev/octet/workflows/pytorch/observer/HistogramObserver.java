package dev.octet.workflows.pytorch.observer;

import dev.octet.core.range.Range;
import dev.octet.core.range.parity.TorchHistogramObserver;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.op.Tracer;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A histogram of what was seen, and the range inside it that loses least when its values are
 * rounded: see {@link TorchHistogramObserver}. The state is PyTorch's: {@code histogram}, {@code
 * min_val}, {@code max_val}. NaN and infinities are left out.
 */
public final class HistogramObserver extends ObserverBase {
  private static final Logger LOG = LoggerFactory.getLogger(HistogramObserver.class);

  /** PyTorch's number of bins. */
  public static final int BINS = 2048;

  /** PyTorch's number of parts that a bin is cut into when the range grows. */
  public static final int UPSAMPLE_RATE = 16;

  private final int bins;
  private final int upsampleRate;
  private final Tensor histogram;
  private final Tensor minVal;
  private final Tensor maxVal;
  private @Nullable TorchHistogramObserver collected;

  /** With PyTorch's 2048 bins and upsample rate 16. */
  public HistogramObserver(ObserverSettings settings) {
    this(settings, BINS, UPSAMPLE_RATE);
  }

  /**
   * With bins as told.
   *
   * @param bins at least 1
   * @param upsampleRate parts that a bin is cut into when the range grows, at least 1
   */
  public HistogramObserver(ObserverSettings settings, int bins, int upsampleRate) {
    super(settings);
    requireIntegers();
    requireStatic();
    if (settings.qscheme().isPerChannel() || settings.qscheme() == QScheme.PER_TOKEN_AFFINE) {
      throw new IllegalArgumentException(
          "HistogramObserver learns one range, which " + settings.qscheme() + " is not");
    }
    this.bins = bins;
    this.upsampleRate = upsampleRate;
    collected = fresh();
    try (Scope scope = Scope.open()) {
      // Counts are doubles: in float32 a bin stops at 2^24.
      histogram = buffer("histogram", Tensors.of(new double[bins], bins));
      minVal = buffer("min_val", Tensors.scalar(Float.POSITIVE_INFINITY));
      maxVal = buffer("max_val", Tensors.scalar(Float.NEGATIVE_INFINITY));
    }
  }

  /** The search divides the whole type, however many of its integers are used; so does PyTorch. */
  private TorchHistogramObserver fresh() {
    return new TorchHistogramObserver(bins, upsampleRate, levels());
  }

  private int levels() {
    return 1 << Math.min(dtype().bits(), 30);
  }

  /** How many bins there are. */
  public int bins() {
    return bins;
  }

  /** Into how many parts a bin is cut when the range grows. */
  public int upsampleRate() {
    return upsampleRate;
  }

  @Override
  protected Tensor forward(Tensor x) {
    if (Tracer.current() == null && Tensors.check(x, "the batch").numel() > 0) {
      TorchHistogramObserver into = collected();
      into.collect(Tensors.toFloats(x));
      save(into);
    }
    return x;
  }

  private void save(TorchHistogramObserver from) {
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      Range range = rangeOrNull(from);
      if (range != null) {
        histogram.copy_(Tensors.of(from.histogram(), bins));
        minVal.copy_(Tensors.scalar(range.min()));
        maxVal.copy_(Tensors.scalar(range.max()));
      }
    }
  }

  private static @Nullable Range rangeOrNull(TorchHistogramObserver from) {
    try {
      return from.observed();
    } catch (IllegalStateException nothingFinite) {
      return null;
    }
  }

  /** What was collected; from the buffers where a state was loaded into them. */
  private TorchHistogramObserver collected() {
    TorchHistogramObserver known = collected;
    if (known == null) {
      known =
          isObserved()
              ? TorchHistogramObserver.resume(upsampleRate, levels(), counts(), observed())
              : fresh();
      collected = known;
    }
    return known;
  }

  private double[] counts() {
    double[] counts = new double[bins];
    try (Scope scope = Scope.open()) {
      Tensors.bytes(histogram.to(ScalarType.Double).contiguous()).asDoubleBuffer().get(counts);
    }
    return counts;
  }

  /** The smallest and the largest value seen. */
  private Range observed() {
    return new Range(Tensors.toFloats(minVal)[0], Tensors.toFloats(maxVal)[0]);
  }

  @Override
  protected void beforeLoad(String path, Map<String, Tensor> state) {
    collected = null;
  }

  @Override
  public boolean isObserved() {
    float min = Tensors.toFloats(minVal)[0];
    float max = Tensors.toFloats(maxVal)[0];
    return Float.isFinite(min) && Float.isFinite(max) && min <= max;
  }

  /**
   * The range that the search ends with.
   *
   * @throws IllegalStateException if no finite value was seen
   */
  public Range search() {
    return collected().search();
  }

  @Override
  public QParams calculateQParams() {
    if (!isObserved()) {
      LOG.warn("{} has seen no values; scale 1 and zero point 0 stand for what is not known", this);
      return QParams.fixed(1, 0, observerSettings());
    }
    return QParams.of(List.of(search()), observerSettings(), -1);
  }

  @Override
  protected String settings() {
    return "min_val=%s, max_val=%s, bins=%d"
        .formatted(Tensors.toFloats(minVal)[0], Tensors.toFloats(maxVal)[0], bins);
  }
}
