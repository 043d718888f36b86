package dev.octet.workflows.pytorch.observer;

import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Child;
import dev.octet.torch.quant.LibTorchFakeQuantize;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Rounds by the scale that its observer computes, the same scale that a conversion uses. It is
 * computed anew only while the observer is enabled, so scales set by hand stay.
 *
 * <p>The state holds {@code scale} and {@code zero_point}, {@code [1]} or {@code [C]}, and the
 * observer's under {@code activation_post_process}.
 */
public final class FakeQuantize extends FakeQuantizeBase {
  private static final String SCALE = "scale";
  private static final String ZERO_POINT = "zero_point";

  private final Child<ObserverBase> observer;

  /** Rounds to the integers of the observer's settings. */
  public FakeQuantize(ObserverBase observer) {
    if (!(observer instanceof ExtremesObserver || observer instanceof HistogramObserver)) {
      throw new IllegalArgumentException(
          observer
              + " learns no range to fake-quantize by; give a MinMax, moving-average or histogram"
              + " observer, or use FixedQParamsFakeQuantize");
    }
    this.observer = child("activation_post_process", observer);
    try (Scope scope = Scope.open()) {
      QParams start = QParams.fixed(1, 0, observer.observerSettings());
      buffer(SCALE, HeldQParams.scale(start));
      buffer(ZERO_POINT, HeldQParams.zeroPoint(start));
    }
  }

  @Override
  public ObserverBase observer() {
    return observer.get();
  }

  /** The scales in use: the live buffer. */
  public Tensor scale() {
    return held(SCALE);
  }

  /** The zero points in use: the live buffer. */
  public Tensor zeroPoint() {
    return held(ZERO_POINT);
  }

  private Tensor held(String name) {
    Tensor tensor = ownBuffers().get(name);
    if (tensor == null) {
      throw new IllegalStateException(this + " has no " + name);
    }
    return tensor;
  }

  @Override
  protected Tensor forward(Tensor x) {
    if (observes() && x.numel() > 0) {
      try (Scope scope = Scope.open()) {
        observer.call(x.detach());
        QParams found = calculateQParams();
        put(HeldQParams.scale(found), HeldQParams.zeroPoint(found));
      }
    }
    if (!isFakeQuantEnabled()) {
      return x;
    }
    int qmin = observer().observerSettings().qmin();
    int qmax = observer().observerSettings().qmax();
    int axis = observer().channelAxis();
    if (axis >= 0 && axis < x.dim() && scale().numel() != x.size(axis)) {
      throw new IllegalStateException(
          "it has %d scales for %d channels%s"
              .formatted(
                  scale().numel(),
                  x.size(axis),
                  isObserved()
                      ? ""
                      : ", since its observer was disabled before it saw a value; call"
                          + " enableObserver or load its state first"));
    }
    Tensor y =
        axis < 0
            ? LibTorchFakeQuantize.perTensor(x, scale(), zeroPoint(), qmin, qmax)
            : LibTorchFakeQuantize.perChannel(x, scale(), zeroPoint(), axis, qmin, qmax);
    return traced(y, x, HeldQParams.read(scale(), zeroPoint(), observer()));
  }

  private void put(Tensor scale, Tensor zeroPoint) {
    if (scale().numel() == scale.numel()) {
      try (Torch.Switched noGrad = Torch.noGrad()) {
        scale().copy_(scale);
        zeroPoint().copy_(zeroPoint);
      }
      return;
    }
    removeBuffer(SCALE);
    removeBuffer(ZERO_POINT);
    buffer(SCALE, scale);
    buffer(ZERO_POINT, zeroPoint);
  }

  @Override
  protected void beforeLoad(String path, Map<String, Tensor> state) {
    String prefix = path.isEmpty() ? "" : path + ".";
    Tensor scale = state.get(prefix + SCALE);
    Tensor zeroPoint = state.get(prefix + ZERO_POINT);
    if (scale == null || zeroPoint == null || scale.numel() == scale().numel()) {
      return;
    }
    try (Scope scope = Scope.open()) {
      put(scale.detach().clone(), zeroPoint.detach().to(Tensors.type(zeroPoint())).clone());
    }
  }

  /** The observer's, which a conversion uses. */
  @Override
  public QParams calculateQParams() {
    return observer().calculateQParams();
  }
}
