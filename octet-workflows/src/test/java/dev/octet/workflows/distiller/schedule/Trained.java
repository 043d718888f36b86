package dev.octet.workflows.distiller.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.torch.Tensors;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.nn.Module;
import dev.octet.torch.train.EpochResult;
import dev.octet.torch.train.Optimizer;
import dev.octet.torch.train.Trainer;
import dev.octet.workflows.distiller.fixture.Stripes;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** What became of a network of stripes that was trained as a schedule says. */
record Trained(
    Map<String, float[]> state,
    Map<String, long[]> shapes,
    List<EpochResult> results,
    Map<String, Double> sparsities) {

  /** A way to train. */
  interface Training {
    /** From the checkpoint, if there is one, up to an epoch. */
    Trained upTo(Path checkpoint, int epoch);
  }

  /**
   * Trains a fresh network up to an epoch, from the checkpoint if there is one.
   *
   * @param check looks at the network before it is closed
   */
  static Trained by(
      Schedule schedule,
      Path checkpoint,
      int until,
      DataLoader training,
      DataLoader heldOut,
      Consumer<Module> check) {
    try (Module net = Stripes.net(1);
        Optimizer optimizer = Stripes.sgd(net, 0.05);
        CompressionScheduler scheduler = schedule.apply(net, optimizer, until, null)) {
      List<EpochResult> results =
          Trainer.builder(net, optimizer)
              .epochs(until)
              .learningRate(scheduler.learningRate())
              .callbacks(scheduler)
              .checkpoint(checkpoint, scheduler.run())
              .build()
              .fit(training, heldOut);
      Map<String, float[]> state = new LinkedHashMap<>();
      Map<String, long[]> shapes = new LinkedHashMap<>();
      net.stateDict()
          .forEach(
              (name, tensor) -> {
                state.put(name, Tensors.toFloats(tensor));
                shapes.put(name, Tensors.shape(tensor));
              });
      check.accept(net);
      return new Trained(state, shapes, results, scheduler.zerosMaskDict().sparsities());
    }
  }

  /** Four epochs that are cut after any of them and carried on come to the same. */
  void assertResumed(Path folder, Training training) {
    for (int cut = 1; cut < 4; cut++) {
      Path parts = folder.resolve("cut-" + cut);
      training.upTo(parts, cut);
      Trained resumed = training.upTo(parts, 4);
      assertThat(resumed.state().keySet()).isEqualTo(state.keySet());
      resumed
          .state()
          .forEach((name, values) -> assertThat(values).as(name).containsExactly(state.get(name)));
      assertThat(resumed.sparsities()).isEqualTo(sparsities);
    }
  }
}
