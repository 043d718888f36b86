package dev.octet.bench.torch;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.ParameterGroup;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;

/** A model and its optimizer: SGD with momentum 0.9 and weight decay 1e-4. Closes both. */
final class TrainingStep implements AutoCloseable {
  private final Module model;
  private final Optimizer optimizer;

  TrainingStep(Module model) {
    this.model = model;
    optimizer =
        Optimizer.sgd(
            List.of(ParameterGroup.of(model.parameters().values(), 0.01, 1e-4)), 0.9, false);
    model.train(true);
  }

  /** Trains on a batch and gives the seconds that it took. */
  double run(Tensor images, Tensor labels) {
    long start = System.nanoTime();
    try (Scope scope = Scope.open()) {
      optimizer.zeroGrad();
      Tensor loss = torch.cross_entropy_loss(model.call(images), labels);
      loss.backward();
      optimizer.step();
      if (!Double.isFinite(loss.item_double())) {
        throw new IllegalStateException(
            "the loss is not finite; a step like this measures nothing");
      }
    }
    return (System.nanoTime() - start) / 1e9;
  }

  /** Lays out the weights of a model's convolutions with the channels last. */
  static void channelsLast(Module model) {
    try (Scope scope = Scope.open();
        Torch.Switched noGrad = Torch.noGrad()) {
      for (Tensor parameter : model.parameters().values()) {
        if (parameter.dim() == 4) {
          parameter.set_data(parameter.contiguous(MemoryFormat.ChannelsLast));
        }
      }
    }
  }

  @Override
  public void close() {
    optimizer.close();
    model.close();
  }
}
