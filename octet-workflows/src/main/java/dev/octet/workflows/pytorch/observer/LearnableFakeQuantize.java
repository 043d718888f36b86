package dev.octet.workflows.pytorch.observer;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Child;
import dev.octet.torch.quant.LibTorchFakeQuantize;
import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Rounds by a scale and a zero point that train (LSQ, arXiv 1902.08153; LSQ+, arXiv 2004.09576):
 * the parameters {@code scale} and {@code zero_point}, {@code [C]}.
 *
 * <p>It starts with {@linkplain #enableStaticEstimate() ranges that an observer estimates}; {@link
 * #enableParamLearning} makes the parameters train from there.
 */
public final class LearnableFakeQuantize extends FakeQuantizeBase {
  private final Child<ExtremesObserver> observer;
  private final boolean useGradScaling;
  private final Tensor scale;
  private final Tensor zeroPoint;
  private final Tensor learningEnabled;

  /**
   * Rounds to the integers of the observer's settings.
   *
   * @param scale to start from, positive
   * @param zeroPoint to start from
   * @param channels 1, or the number of channels where the observer has one range for each
   * @param useGradScaling whether gradients of both are divided by √(elements · quant_max)
   */
  public LearnableFakeQuantize(
      ExtremesObserver observer,
      float scale,
      float zeroPoint,
      int channels,
      boolean useGradScaling) {
    if (!(scale > 0 && scale < Float.POSITIVE_INFINITY) || !Float.isFinite(zeroPoint)) {
      throw new IllegalArgumentException(
          "scale %s and zero point %s must be finite, and the scale positive"
              .formatted(scale, zeroPoint));
    }
    if (channels < 1 || (channels > 1 && observer.channelAxis() < 0)) {
      throw new IllegalArgumentException(
          channels + " channels for an observer of one range; give 1");
    }
    this.observer = child("activation_post_process", observer);
    this.useGradScaling = useGradScaling;
    try (Scope scope = Scope.open()) {
      this.scale = parameter("scale", filled(scale, channels));
      this.zeroPoint = parameter("zero_point", filled(zeroPoint, channels));
      learningEnabled =
          buffer("learning_enabled", Tensors.of(new long[] {0}, 1).to(ScalarType.Byte));
    }
    enableStaticEstimate();
  }

  private static Tensor filled(float value, int count) {
    float[] values = new float[count];
    Arrays.fill(values, value);
    return Tensors.of(values, count);
  }

  @Override
  public ObserverBase observer() {
    return observer.get();
  }

  /** The scales: the live parameter. */
  public Tensor scale() {
    return scale;
  }

  /** The zero points: the live parameter. */
  public Tensor zeroPoint() {
    return zeroPoint;
  }

  /** The parameters train; the observer rests. */
  public void enableParamLearning() {
    mode(true, true, false);
  }

  /** The parameters follow the observer, and inputs are rounded. */
  public void enableStaticEstimate() {
    mode(false, true, true);
  }

  /** The parameters follow the observer, and inputs pass as they are. */
  public void enableStaticObservation() {
    mode(false, false, true);
  }

  private void mode(boolean learning, boolean fakeQuant, boolean observing) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      learningEnabled.fill_(new Scalar(learning ? 1L : 0L));
    }
    scale.set_requires_grad(learning);
    zeroPoint.set_requires_grad(learning);
    enableFakeQuant(fakeQuant);
    enableObserver(observing);
  }

  /** Whether the parameters train. */
  public boolean isLearning() {
    return learningEnabled.item_byte() != 0;
  }

  @Override
  public boolean isObserved() {
    // Once the parameters have trained, they are what is known.
    return isLearning() || observer().isObserved();
  }

  @Override
  protected Tensor forward(Tensor x) {
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      if (observes() && x.numel() > 0) {
        observer.call(x.detach());
        QParams found = observer().calculateQParams();
        if (found.count() != scale.numel()) {
          throw new IllegalArgumentException(
              Tensors.describe(x)
                  + " has "
                  + found.count()
                  + " channels, and this module was made for "
                  + scale.numel());
        }
        scale.copy_(HeldQParams.scale(found));
        zeroPoint.copy_(HeldQParams.zeroPoint(found));
      } else {
        scale.clamp_min_(new Scalar(observer().observerSettings().eps()));
      }
      if (observer().observerSettings().qscheme().isSymmetric()) {
        zeroPoint.zero_();
      }
    }
    if (!isFakeQuantEnabled()) {
      return x;
    }
    int qmin = observer().observerSettings().qmin();
    int qmax = observer().observerSettings().qmax();
    double factor = useGradScaling ? 1 / Math.sqrt((double) x.numel() * qmax) : 1;
    int axis = observer().channelAxis();
    Tensor y =
        axis < 0
            ? LibTorchFakeQuantize.learnable(x, scale, zeroPoint, qmin, qmax, factor)
            : LibTorchFakeQuantize.learnable(x, scale, zeroPoint, axis, qmin, qmax, factor);
    return traced(y, x, calculateQParams());
  }

  /** The parameters as they are now: the scale clamped to eps, the zero point rounded. */
  @Override
  public QParams calculateQParams() {
    ObserverSettings integers = observer().observerSettings();
    float[] scales = Tensors.toFloats(scale);
    float[] zeros = Tensors.toFloats(zeroPoint);
    double[] rounded = new double[zeros.length];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = Math.max(scales[i], integers.eps());
      rounded[i] = Math.min(Math.max(Math.rint(zeros[i]), integers.qmin()), integers.qmax());
    }
    return QParams.given(scales, rounded, integers, observer().channelAxis());
  }
}
