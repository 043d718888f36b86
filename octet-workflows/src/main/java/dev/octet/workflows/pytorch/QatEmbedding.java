package dev.octet.workflows.pytorch;

import dev.octet.torch.nn.Child;
import dev.octet.torch.nn.Embedding;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.pytorch.observer.ObserverFactory;
import org.bytedeco.pytorch.Tensor;

/** An {@link Embedding} whose rows are fake-quantized, over the same table. */
public final class QatEmbedding extends Embedding {
  private final Child<Module> weightFakeQuant;

  QatEmbedding(Embedding from, ObserverFactory weights) {
    super(from);
    weightFakeQuant = child("weight_fake_quant", weights.create());
  }

  /** What fake-quantizes the table. */
  public Module weightFakeQuant() {
    return weightFakeQuant.get();
  }

  @Override
  protected Tensor forward(Tensor indices) {
    return compute(indices, weightFakeQuant.call(table(indices)));
  }
}
