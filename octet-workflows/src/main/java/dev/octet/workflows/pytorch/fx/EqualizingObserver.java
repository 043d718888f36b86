package dev.octet.workflows.pytorch.fx;

import dev.octet.core.range.Range;
import dev.octet.torch.Tensors;
import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.observer.ActivationPostProcess;
import dev.octet.workflows.pytorch.observer.ObserverSettings;
import dev.octet.workflows.pytorch.observer.PerChannelMinMaxObserver;
import dev.octet.workflows.pytorch.observer.QScheme;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** Observes the input of a layer as a whole and by channel. */
final class EqualizingObserver extends Module {
  private final Child<ActivationPostProcess> whole;
  private final Child<PerChannelMinMaxObserver> channels;
  private final boolean lastAxis;

  /**
   * @param lastAxis whether the channels lie along the last axis; else along axis 1
   */
  EqualizingObserver(ActivationPostProcess whole, boolean lastAxis) {
    this.whole = child("activation_post_process", whole);
    this.channels =
        child(
            "input_equalization",
            new PerChannelMinMaxObserver(
                ObserverSettings.builder().qscheme(QScheme.PER_CHANNEL_AFFINE).build(), 1));
    this.lastAxis = lastAxis;
  }

  @Override
  protected Tensor forward(Tensor x) {
    if (lastAxis) {
      channels.get().call(x.reshape(-1, x.size(x.dim() - 1)));
    } else {
      channels.get().call(x);
    }
    return whole.call(x);
  }

  ActivationPostProcess whole() {
    return whole.get();
  }

  boolean isObserved() {
    return channels.get().isObserved();
  }

  /** By channel. */
  List<Range> ranges() {
    float[] low = Tensors.toFloats(channels.get().minVal());
    float[] high = Tensors.toFloats(channels.get().maxVal());
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < low.length; i++) {
      ranges.add(new Range(low[i], high[i]));
    }
    return ranges;
  }
}
