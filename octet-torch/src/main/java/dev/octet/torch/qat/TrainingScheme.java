package dev.octet.torch.qat;

import dev.octet.torch.nn.Module;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.TrainingCallbacks;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Another way than a recipe's to quantize a network while it trains: layers are exchanged. */
public interface TrainingScheme {
  /**
   * What a run is driven by.
   *
   * @param callbacks take part in every step
   * @param learningRate null for the run's own
   * @param run what decides how the run goes on, for its checkpoint
   * @param notes what the user should know: what has no effect, what stays float
   * @param release frees what was held for the run
   */
  record Prepared(
      TrainingCallbacks callbacks,
      @Nullable LearningRate learningRate,
      Map<String, String> run,
      List<String> notes,
      Runnable release)
      implements AutoCloseable {
    public Prepared {
      run = Map.copyOf(run);
      notes = List.copyOf(notes);
    }

    @Override
    public void close() {
      release.run();
    }
  }

  /**
   * Exchanges layers of a network.
   *
   * @param net of layers that can be exchanged
   * @param optimizer of its parameters; takes those that are added
   * @param epochs of the run
   * @param teacher the float network, to learn from
   */
  Prepared prepare(Module net, Optimizer optimizer, int epochs, Module teacher);
}
