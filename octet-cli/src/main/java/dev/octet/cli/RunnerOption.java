package dev.octet.cli;

import dev.octet.quantize.run.Runner;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What runs models. */
final class RunnerOption {
  @Option(
      names = "--runner",
      paramLabel = "RUNNER",
      description =
          "What runs the models: engine, onnxruntime, or auto, which is the engine unless it has no"
              + " code for a node (default: auto).")
  private @Nullable Runner runner;

  /** Makes the choice take effect; without one, that of the system property stands. */
  void apply() {
    if (runner != null) {
      System.setProperty(Runner.PROPERTY, runner.name());
    }
  }
}
