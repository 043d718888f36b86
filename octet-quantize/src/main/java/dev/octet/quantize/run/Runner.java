package dev.octet.quantize.run;

import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.HostTensor;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** What runs models: the engine, ONNX Runtime, or the engine where it can. */
public enum Runner {
  /** The engine; ONNX Runtime where the engine has no code for a node. */
  AUTO {
    @Override
    public GraphRunner open(Model model, Collection<String> observed, int threads) {
      return new EngineFirst(model, observed, threads);
    }

    @Override
    public Repeatable prepare(Path file, Map<String, HostTensor> inputs, int threads) {
      try {
        return ENGINE.prepare(file, inputs, threads);
      } catch (RunException e) {
        tell(e);
        return ONNXRUNTIME.prepare(file, inputs, threads);
      }
    }
  },
  /** Octet's engine, or an exception. */
  ENGINE {
    @Override
    public GraphRunner open(Model model, Collection<String> observed, int threads) {
      return EngineRunner.open(model, observed, threads);
    }

    @Override
    public Repeatable prepare(Path file, Map<String, HostTensor> inputs, int threads) {
      return EngineRunner.prepare(OnnxReader.read(file), inputs, threads);
    }
  },
  /** ONNX Runtime. */
  ONNXRUNTIME {
    @Override
    public GraphRunner open(Model model, Collection<String> observed, int threads) {
      return OnnxRuntimeRunner.open(model, observed, threads);
    }

    @Override
    public Repeatable prepare(Path file, Map<String, HostTensor> inputs, int threads) {
      return OnnxRuntimeRunner.prepare(file, inputs, threads);
    }
  };

  /** The system property that {@link #openChosen} reads. */
  public static final String PROPERTY = "octet.runner";

  /** One model is opened many times, and its float form besides: the same need be told once. */
  private static volatile @Nullable String told;

  /**
   * Opens {@code model}.
   *
   * @param observed names of the values to hand over; any dense tensor of the main graph
   * @param threads threads inside an operator
   * @throws RunException if it does not accept the model
   * @throws IllegalArgumentException if an observed value does not exist
   */
  public abstract GraphRunner open(Model model, Collection<String> observed, int threads);

  /**
   * Loads the model in {@code file} as its runtime does by default, and gets it ready to run on
   * {@code inputs}, which are copied once.
   *
   * @param threads threads inside an operator
   * @throws RunException if the runtime does not accept the model or the inputs
   */
  public abstract Repeatable prepare(Path file, Map<String, HostTensor> inputs, int threads);

  /**
   * Opens {@code model} in what the system property {@code octet.runner} names ({@code auto}, the
   * default, {@code engine}, {@code onnxruntime}), with as many threads as {@code octet.threads}
   * says, by default all cores.
   *
   * @param observed names of the values to hand over; any dense tensor of the main graph
   * @throws RunException if it does not accept the model
   * @throws IllegalArgumentException if an observed value does not exist, or the property names
   *     nothing that is there
   */
  public static GraphRunner openChosen(Model model, Collection<String> observed) {
    return chosen()
        .open(
            model,
            observed,
            Integer.getInteger("octet.threads", Runtime.getRuntime().availableProcessors()));
  }

  private static void tell(RunException reason) {
    String message = String.valueOf(reason.getMessage());
    if (!message.equals(told)) {
      told = message;
      // Made here, not with the class: a command line that names a runner must not make it.
      LoggerFactory.getLogger(Runner.class).info("ONNX Runtime runs the model: {}", message);
    }
  }

  private static Runner chosen() {
    String name = System.getProperty(PROPERTY, "auto");
    for (Runner runner : values()) {
      if (runner.name().equalsIgnoreCase(name)) {
        return runner;
      }
    }
    throw new IllegalArgumentException(
        "system property "
            + PROPERTY
            + " is '"
            + name
            + "'; choose one of "
            + List.of(values()).toString().toLowerCase(Locale.ROOT));
  }

  /** Turns to ONNX Runtime for good when the engine declines, which may be at the first run. */
  private static final class EngineFirst implements GraphRunner {
    private final Model model;
    private final Collection<String> observed;
    private final int threads;
    private GraphRunner runner;
    private boolean declined;

    EngineFirst(Model model, Collection<String> observed, int threads) {
      this.model = model;
      this.observed = observed;
      this.threads = threads;
      GraphRunner first;
      try {
        first = EngineRunner.open(model, observed, threads);
      } catch (RunException e) {
        first = other(e);
      }
      runner = first;
    }

    private GraphRunner other(RunException reason) {
      declined = true;
      tell(reason);
      return OnnxRuntimeRunner.open(model, observed, threads);
    }

    @Override
    public void run(Map<String, HostTensor> inputs, Consumer consumer) {
      try {
        runner.run(inputs, consumer);
      } catch (RunException e) {
        if (declined) {
          throw e;
        }
        runner.close();
        runner = other(e);
        runner.run(inputs, consumer);
      }
    }

    @Override
    public void close() {
      runner.close();
    }
  }
}
