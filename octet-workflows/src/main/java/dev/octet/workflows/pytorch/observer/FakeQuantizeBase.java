package dev.octet.workflows.pytorch.observer;

import dev.octet.core.affine.QuantParams;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.op.QuantOps;
import dev.octet.torch.op.Tracer;
import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Rounds a tensor to what integers can hold and lets gradients pass, while an observer inside
 * learns the range. Both can be switched off, alone and for a whole model; the switches are the
 * buffers {@code fake_quant_enabled} and {@code observer_enabled}.
 */
public abstract sealed class FakeQuantizeBase extends ActivationPostProcess
    permits FakeQuantize,
        FixedQParamsFakeQuantize,
        FusedMovingAvgObsFakeQuantize,
        LearnableFakeQuantize {
  private final Tensor fakeQuantEnabled;
  private final Tensor observerEnabled;

  FakeQuantizeBase() {
    try (Scope scope = Scope.open()) {
      fakeQuantEnabled = buffer("fake_quant_enabled", one());
      observerEnabled = buffer("observer_enabled", one());
    }
  }

  private static Tensor one() {
    return Tensors.of(new long[] {1}, 1).to(ScalarType.Byte);
  }

  /** The observer inside. */
  public abstract ObserverBase observer();

  @Override
  public final QuantDtype dtype() {
    return observer().dtype();
  }

  @Override
  public final boolean isDynamic() {
    return observer().isDynamic();
  }

  @Override
  public final boolean isMemoryless() {
    return observer().isMemoryless();
  }

  @Override
  public boolean isObserved() {
    return observer().isObserved();
  }

  /** Whether inputs are rounded. */
  public final boolean isFakeQuantEnabled() {
    return isOn(fakeQuantEnabled);
  }

  /** Whether the observer sees inputs. */
  public final boolean isObserverEnabled() {
    return isOn(observerEnabled);
  }

  private static boolean isOn(Tensor flag) {
    return Tensors.check(flag, "the switch").item_byte() != 0;
  }

  /** Rounds inputs from here on, or lets them pass. */
  public final void enableFakeQuant(boolean on) {
    set(fakeQuantEnabled, on);
  }

  /** Shows inputs to the observer from here on, or keeps the range as it is. */
  public final void enableObserver(boolean on) {
    set(observerEnabled, on);
  }

  private static void set(Tensor flag, boolean on) {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensors.check(flag, "the switch").fill_(new Scalar(on ? 1L : 0L));
    }
  }

  /** Rounds in the whole model from here on. */
  public static void enableFakeQuant(Module model) {
    forEach(model, true, FakeQuantizeBase::enableFakeQuant);
  }

  /** Lets values pass as they are in the whole model from here on. */
  public static void disableFakeQuant(Module model) {
    forEach(model, false, FakeQuantizeBase::enableFakeQuant);
  }

  /** Learns ranges in the whole model from here on. */
  public static void enableObserver(Module model) {
    forEach(model, true, FakeQuantizeBase::enableObserver);
  }

  /** Keeps all ranges of the model as they are from here on. */
  public static void disableObserver(Module model) {
    forEach(model, false, FakeQuantizeBase::enableObserver);
  }

  private interface Switch {
    void set(FakeQuantizeBase module, boolean on);
  }

  private static void forEach(Module model, boolean on, Switch change) {
    for (Module module : model.modules().values()) {
      if (module instanceof FakeQuantizeBase each) {
        change.set(each, on);
      }
    }
  }

  /** Whether inputs are to be observed now: a trace looks at shapes, not at data. */
  final boolean observes() {
    return isObserverEnabled() && Tracer.current() == null;
  }

  /** In a trace, the output becomes a pair of QuantizeLinear and DequantizeLinear. */
  static Tensor traced(Tensor output, Tensor input, QParams qparams) {
    if (Tracer.current() == null) {
      return output;
    }
    QuantParams params = qparams.toQuantParams();
    long[] shape = new long[0];
    if (params.count() > 1) {
      shape = new long[Math.toIntExact(input.dim())];
      Arrays.fill(shape, 1);
      shape[qparams.channelAxis()] = params.count();
    }
    return QuantOps.quantizeDequantize(output, input, params, shape);
  }

  @Override
  protected String settings() {
    return "fake_quant_enabled=%s, observer_enabled=%s, dtype=%s, quant_min=%d, quant_max=%d"
        .formatted(
            isFakeQuantEnabled() ? 1 : 0,
            isObserverEnabled() ? 1 : 0,
            dtype(),
            observer().observerSettings().qmin(),
            observer().observerSettings().qmax());
  }
}
