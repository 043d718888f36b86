package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.EmbeddingBag;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import org.bytedeco.pytorch.Tensor;

/** An {@link EmbeddingBag} whose rows are fake-quantized, over the same table. */
public final class QatEmbeddingBag extends EmbeddingBag {
  private final Child<Module> weightFakeQuant;

  QatEmbeddingBag(EmbeddingBag from, ObserverFactory weights) {
    super(from);
    weightFakeQuant = child("weight_fake_quant", weights.create());
  }

  /** What fake-quantizes the table. */
  public Module weightFakeQuant() {
    return weightFakeQuant.get();
  }

  @Override
  protected Tensor table(Tensor indices) {
    return weightFakeQuant.call(super.table(indices));
  }
}
