package dev.octet.workflows.pytorch.observer;

import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Child;
import dev.octet.torch.quant.LibTorchFakeQuantize;
import dev.octet.torch.quant.LibTorchFakeQuantize.MovingAverage;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Averages extremes, computes the scale and rounds in one native operator, which is PyTorch's
 * default for training.
 *
 * <p>The operator has a scale rule of its own: symmetric {@code max(|min| / 128, |max| / 127)}
 * where a conversion uses {@code amax / 127.5}, affine where all values have one sign, at least
 * 6.1e-5; and it computes the scale anew while the observer is off, too. {@link #calculateQParams}
 * is PyTorch's, so what it trains with and what it converts to differ. {@link FakeQuantize} has one
 * rule for both.
 */
public final class FusedMovingAvgObsFakeQuantize extends FakeQuantizeBase {
  private static final String SCALE = "scale";
  private static final String ZERO_POINT = "zero_point";

  private final Child<ExtremesObserver> observer;
  private final double averagingConstant;
  private MovingAverage state;

  /** Learns one range. */
  public FusedMovingAvgObsFakeQuantize(MovingAverageMinMaxObserver observer) {
    this(observer, observer.averagingConstant());
  }

  /**
   * Learns a range for each channel.
   *
   * @param observer of channel axis 0, the only one that the operator has
   */
  public FusedMovingAvgObsFakeQuantize(MovingAveragePerChannelMinMaxObserver observer) {
    this(observer, observer.averagingConstant());
    if (observer.channelAxis() != 0) {
      throw new IllegalArgumentException(
          "the fused operator keeps ranges along axis 0 only, not "
              + observer.channelAxis()
              + "; use FakeQuantize");
    }
  }

  private FusedMovingAvgObsFakeQuantize(ExtremesObserver observer, double averagingConstant) {
    this.observer = child("activation_post_process", observer);
    this.averagingConstant = averagingConstant;
    state = new MovingAverage(1);
    shareBuffer(SCALE, state.scale());
    shareBuffer(ZERO_POINT, state.zeroPoint());
    observer.share(state.min(), state.max());
  }

  @Override
  public ObserverBase observer() {
    return observer.get();
  }

  /** The newest batch's weight. */
  public double averagingConstant() {
    return averagingConstant;
  }

  /** Whether the zero point is the middle of the integers. */
  public boolean isSymmetricQuant() {
    return observer.get().observerSettings().qscheme().isSymmetric();
  }

  /** The scales of the last call: the live buffer. */
  public Tensor scale() {
    return state.scale();
  }

  /** The zero points of the last call: the live buffer. */
  public Tensor zeroPoint() {
    return state.zeroPoint();
  }

  @Override
  protected Tensor forward(Tensor x) {
    if (x.numel() == 0) {
      return x;
    }
    ObserverSettings integers = observer.get().observerSettings();
    if (integers.qscheme().isPerChannel() && x.dim() > 0) {
      resize(Math.toIntExact(x.size(0)));
    }
    Tensor y =
        LibTorchFakeQuantize.movingAverage(
            x,
            state,
            observes(),
            isFakeQuantEnabled(),
            averagingConstant,
            0,
            integers.qmin(),
            integers.qmax(),
            isSymmetricQuant());
    return isFakeQuantEnabled()
        ? traced(y, x, HeldQParams.read(scale(), zeroPoint(), observer()))
        : y;
  }

  /** Makes room for channels, unless there is room or the state is another's. */
  private void resize(int channels) {
    if (state.min().numel() != 1 || channels == 1) {
      return;
    }
    MovingAverage before = state;
    state = new MovingAverage(channels);
    removeBuffer(SCALE);
    removeBuffer(ZERO_POINT);
    shareBuffer(SCALE, state.scale());
    shareBuffer(ZERO_POINT, state.zeroPoint());
    observer.get().share(state.min(), state.max());
    before.close();
  }

  @Override
  protected void beforeLoad(String path, Map<String, Tensor> loaded) {
    Tensor scale = loaded.get(path.isEmpty() ? SCALE : path + "." + SCALE);
    if (scale != null && observer.get().observerSettings().qscheme().isPerChannel()) {
      resize(Math.toIntExact(Tensors.check(scale, SCALE).numel()));
    }
  }

  /** The observer's, by the observer's rule, which a conversion uses. */
  @Override
  public QParams calculateQParams() {
    return observer().calculateQParams();
  }

  /** Starts again as if nothing had been seen. */
  public void reset() {
    try (Torch.Switched noGrad = Torch.noGrad()) {
      observer.get().reset();
    }
  }

  @Override
  protected void release() {
    state.close();
  }
}
