package dev.octet.workflows.pytorch.observer;

import dev.octet.torch.Scope;
import dev.octet.torch.op.Tracer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Keeps a copy of every batch, for debugging; memory grows with them. */
public final class RecordingObserver extends ObserverBase {
  private final List<Tensor> recorded = new ArrayList<>();

  /** Of a type that a conversion would use. */
  public RecordingObserver(QuantDtype dtype) {
    super(ObserverSettings.builder().dtype(dtype).build());
  }

  @Override
  protected Tensor forward(Tensor x) {
    if (Tracer.current() == null) {
      try (Scope scope = Scope.open()) {
        recorded.add(Scope.keep(x.detach().clone()));
      }
    }
    return x;
  }

  /** The copies, oldest first; this module owns them. */
  public List<Tensor> tensorVal() {
    return Collections.unmodifiableList(recorded);
  }

  @Override
  public boolean isObserved() {
    return false;
  }

  /** Always an error: values are kept, not ranges. */
  @Override
  public QParams calculateQParams() {
    throw new UnsupportedOperationException(
        "RecordingObserver keeps values and no range; observe with another before converting");
  }

  @Override
  protected void release() {
    recorded.forEach(Tensor::close);
    recorded.clear();
  }

  @Override
  protected String settings() {
    return "dtype=" + dtype() + ", " + recorded.size() + " batches";
  }
}
