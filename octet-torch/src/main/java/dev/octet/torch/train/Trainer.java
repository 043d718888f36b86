package dev.octet.torch.train;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.data.Batch;
import dev.octet.torch.data.DataLoader;
import dev.octet.torch.data.Epoch;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.ModuleException;
import dev.octet.torch.train.TrainingCallbacks.Minibatch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Trains a classifier, quantized or not.
 *
 * <pre>{@code
 * Trainer.builder(model, optimizer)
 *     .epochs(3)
 *     .learningRate(LearningRate.cosine(0.01))
 *     .atEpoch(2, net -> Quantizers.freeze(net, "*"))
 *     .checkpoint(Path.of("run.safetensors"))
 *     .build()
 *     .fit(training, validation);
 * }</pre>
 *
 * <p>With the same seed, data and number of threads a run repeats itself bit for bit, also when it
 * was cut off after an epoch and resumed from the checkpoint.
 */
public final class Trainer {
  private static final TrainingCallbacks NOTHING = new TrainingCallbacks() {};

  private final Module model;
  private final Optimizer optimizer;
  private final int epochs;
  private final LearningRate learningRate;
  private final double labelSmoothing;
  private final double gradientLimit;
  private final @Nullable ScalarType autocast;
  private final @Nullable Distillation distillation;
  private final @Nullable Path checkpoint;
  private final Map<String, String> run;
  private final Map<Integer, List<Consumer<Module>>> actions;
  private final List<TrainingListener> listeners;
  private final @Nullable TrainingCallbacks callbacks;
  private final BooleanSupplier stop;

  private Trainer(Builder from) {
    model = from.model;
    optimizer = from.optimizer;
    epochs = from.epochs;
    learningRate = from.learningRate;
    labelSmoothing = from.labelSmoothing;
    gradientLimit = from.gradientLimit;
    autocast = from.autocast;
    distillation = from.distillation;
    checkpoint = from.checkpoint;
    run = Map.copyOf(from.run);
    actions = new TreeMap<>();
    from.actions.forEach((epoch, list) -> actions.put(epoch, List.copyOf(list)));
    listeners = List.copyOf(from.listeners);
    callbacks = from.callbacks;
    stop = from.stop;
  }

  /**
   * A builder for one epoch at constant rate.
   *
   * @param model gives logits or log-probabilities [N, classes]
   * @param optimizer over the model's parameters; it stays the caller's to close
   */
  public static Builder builder(Module model, Optimizer optimizer) {
    return new Builder(model, optimizer);
  }

  /**
   * Trains. A checkpoint at the given path is continued; its epochs are not trained again.
   *
   * @param validation judged after each epoch; may be null
   * @return the results of all epochs, those of a continued checkpoint included
   * @throws TrainingException if a loss is not finite, or a checkpoint does not fit
   * @throws StoppedException if {@link Builder#stopWhen} says so
   */
  public List<EpochResult> fit(DataLoader training, @Nullable DataLoader validation) {
    List<EpochResult> results = new ArrayList<>(resume());
    for (int epoch = results.size(); epoch < epochs; epoch++) {
      act(epoch);
      EpochResult ended = trainEpoch(epoch, training, validation);
      if (callbacks != null) {
        callbacks.onEpochEnd(ended);
      }
      results.add(ended);
      if (checkpoint != null) {
        Checkpoint.of(
                model, optimizer, results, run, callbacks == null ? Map.of() : callbacks.state())
            .write(checkpoint);
      }
      EpochResult result = results.get(results.size() - 1);
      listeners.forEach(listener -> listener.onEpoch(result));
    }
    model.eval();
    return results;
  }

  private List<EpochResult> resume() {
    if (checkpoint == null || !Files.exists(checkpoint)) {
      return List.of();
    }
    Checkpoint found = Checkpoint.read(checkpoint);
    if (found.results().size() > epochs) {
      throw new TrainingException(
          checkpoint
              + " is of "
              + found.results().size()
              + " epochs, more than the "
              + epochs
              + " to train; take another file, or train longer");
    }
    Set<String> differ = new TreeSet<>(run.keySet());
    differ.addAll(found.run().keySet());
    differ.removeIf(name -> Objects.equals(run.get(name), found.run().get(name)));
    if (!differ.isEmpty()) {
      throw new TrainingException(
          checkpoint
              + " is of another run: it differs in "
              + String.join(", ", differ)
              + "; set these as they were, or take another file");
    }
    // What was switched at past epochs is switched again; the values come from the file.
    for (int epoch = 0; epoch < found.results().size(); epoch++) {
      act(epoch);
    }
    if (callbacks != null) {
      TrainingCallbacks part = callbacks;
      ofThisRun(() -> part.beforeRestore(found.callbacks()));
    }
    found.restore(model, optimizer);
    restoreCallbacks(found);
    return found.results();
  }

  private void restoreCallbacks(Checkpoint found) {
    if (callbacks == null) {
      if (!found.callbacks().isEmpty()) {
        throw new TrainingException(
            checkpoint
                + " is of another run: it keeps "
                + found.callbacks().keySet()
                + " of callbacks, and this run has none; take another file");
      }
      return;
    }
    TrainingCallbacks part = callbacks;
    ofThisRun(() -> part.restore(found.callbacks()));
  }

  private void ofThisRun(Runnable restore) {
    try {
      restore.run();
    } catch (IllegalArgumentException e) {
      throw new TrainingException(checkpoint + " is of another run: " + e.getMessage(), e);
    }
  }

  private void act(int epoch) {
    actions.getOrDefault(epoch, List.of()).forEach(action -> action.accept(model));
  }

  private EpochResult trainEpoch(int epoch, DataLoader training, @Nullable DataLoader validation) {
    model.train(true);
    if (callbacks != null) {
      callbacks.onEpochBegin(epoch);
    }
    long total = (long) epochs * training.batches();
    Score.Sum sum = new Score.Sum();
    double factor = 0;
    long start = System.nanoTime();
    try (Epoch batches = training.epoch(epoch)) {
      for (int step = 0; batches.hasNext(); step++) {
        factor = learningRate.factor((long) epoch * training.batches() + step, total);
        optimizer.scaleLearningRate(factor);
        double loss;
        try (Batch batch = batches.next();
            Scope scope = Scope.open()) {
          loss =
              step(
                  new Minibatch(
                      epoch,
                      step,
                      training.batches(),
                      List.copyOf(batch.inputs().values()),
                      batch.labels()),
                  sum);
        }
        if (!Double.isFinite(loss)) {
          throw new TrainingException(
              "the loss is "
                  + loss
                  + " at epoch "
                  + epoch
                  + ", step "
                  + step
                  + "; lower the learning rate or clip the gradients");
        }
        int at = step;
        double value = loss;
        listeners.forEach(listener -> listener.onStep(epoch, at, training.batches(), value));
        stopIfAsked("epoch " + epoch + ", step " + step);
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    Score held = validation == null ? null : judge(epoch, validation);
    if (held != null && !Double.isFinite(held.loss())) {
      throw new TrainingException(
          "the loss on held-out samples is "
              + held.loss()
              + " after epoch "
              + epoch
              + "; lower the learning rate or clip the gradients");
    }
    return new EpochResult(epoch, sum.score(), held, factor, seconds);
  }

  private Score judge(int epoch, DataLoader validation) {
    try {
      return Score.of(model, validation, samples -> stopIfAsked("the end of epoch " + epoch));
    } catch (ModuleException e) {
      if (weightsAreFinite()) {
        throw e;
      }
      throw new TrainingException(
          "the loss on held-out samples is no number after epoch "
              + epoch
              + ", nor are the weights; lower the learning rate or clip the gradients",
          e);
    }
  }

  private void stopIfAsked(String where) {
    if (stop.getAsBoolean()) {
      throw new StoppedException("training was stopped at " + where);
    }
  }

  private boolean weightsAreFinite() {
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      return model.parameters().values().stream()
          .allMatch(parameter -> parameter.isfinite().all().item_bool());
    }
  }

  private double step(Minibatch at, Score.Sum sum) {
    Tensor[] inputs = at.inputs().toArray(Tensor[]::new);
    TrainingCallbacks between = callbacks == null ? NOTHING : callbacks;
    optimizer.zeroGrad();
    between.onMinibatchBegin(at);
    Tensor output;
    try {
      output = forward(inputs);
    } catch (ModuleException e) {
      // A range of weights that are no numbers fails before there is a loss to tell.
      if (weightsAreFinite()) {
        throw e;
      }
      return Double.NaN;
    }
    Tensor labelLoss =
        torch.cross_entropy_loss(
            output, at.labels(), new TensorOptional(), /* mean */ 1, -100, labelSmoothing);
    Tensor taught = distillation == null ? labelLoss : distillation.loss(labelLoss, output, inputs);
    Tensor loss = between.beforeBackwardPass(at, output, taught);
    double value = loss.item_double();
    if (Double.isFinite(value)) {
      loss.backward();
      if (gradientLimit > 0) {
        optimizer.clipGradients(gradientLimit);
      }
      between.beforeParameterOptimization(at);
      optimizer.step();
      between.onMinibatchEnd(at);
      sum.add(output, at.labels(), value);
    }
    return value;
  }

  private Tensor forward(Tensor[] inputs) {
    if (autocast == null) {
      return model.call(inputs);
    }
    try (Torch.Switched lower = Torch.autocast(autocast)) {
      return model.call(inputs).to(ScalarType.Float);
    }
  }

  /** Settings of a run. */
  public static final class Builder {
    private final Module model;
    private final Optimizer optimizer;
    private final Map<Integer, List<Consumer<Module>>> actions = new TreeMap<>();
    private final List<TrainingListener> listeners = new ArrayList<>();
    private int epochs = 1;
    private LearningRate learningRate = LearningRate.constant();
    private double labelSmoothing;
    private double gradientLimit;
    private @Nullable ScalarType autocast;
    private @Nullable Distillation distillation;
    private @Nullable Path checkpoint;
    private Map<String, String> run = Map.of();
    private @Nullable TrainingCallbacks callbacks;
    private BooleanSupplier stop = () -> false;

    private Builder(Module model, Optimizer optimizer) {
      this.model = model;
      this.optimizer = optimizer;
    }

    /** How many epochs in all; at least 1. */
    public Builder epochs(int count) {
      if (count < 1) {
        throw new IllegalArgumentException(count + " epochs are none");
      }
      epochs = count;
      return this;
    }

    /** The schedule over all steps of the run. */
    public Builder learningRate(LearningRate schedule) {
      learningRate = schedule;
      return this;
    }

    /** The part of each label that is spread over all classes, in [0, 1). */
    public Builder labelSmoothing(double part) {
      if (!(part >= 0 && part < 1)) {
        throw new IllegalArgumentException("label smoothing " + part + " is not in [0, 1)");
      }
      labelSmoothing = part;
      return this;
    }

    /** Scales gradients so that their common 2-norm is at most this; above 0. */
    public Builder clipGradients(double norm) {
      if (!(norm > 0)) {
        throw new IllegalArgumentException("the gradients' norm " + norm + " is not above 0");
      }
      gradientLimit = norm;
      return this;
    }

    /** Computes convolutions and matrix products in a smaller type; see {@link Torch#autocast}. */
    public Builder autocast(ScalarType type) {
      autocast = type;
      return this;
    }

    /** Trains towards another model's outputs as well. */
    public Builder distillation(Distillation from) {
      distillation = from;
      return this;
    }

    /**
     * Does something to the model before an epoch, such as freezing ranges or BatchNorm. Resuming
     * does it again before it restores the state, so it must come to the same.
     */
    public Builder atEpoch(int epoch, Consumer<Module> action) {
      actions.computeIfAbsent(epoch, at -> new ArrayList<>()).add(action);
      return this;
    }

    /** Writes the state here after each epoch, and continues what is here at the start. */
    public Builder checkpoint(Path file) {
      return checkpoint(file, Map.of());
    }

    /**
     * The same, for this run alone.
     *
     * @param settings what decides how the run goes on, by name; a file with others is refused
     */
    public Builder checkpoint(Path file, Map<String, String> settings) {
      checkpoint = file;
      run = Map.copyOf(settings);
      return this;
    }

    /**
     * Ends training early, by a {@link StoppedException}. What was trained since the last
     * checkpoint, which is written after each epoch, is lost.
     *
     * @param asked called on the training thread after each step, and after each batch that is
     *     judged
     */
    public Builder stopWhen(BooleanSupplier asked) {
      stop = asked;
      return this;
    }

    /** Lets someone take part in every step; what they keep goes into the checkpoint. */
    public Builder callbacks(TrainingCallbacks part) {
      callbacks = part;
      return this;
    }

    /** Tells someone how it goes. */
    public Builder listener(TrainingListener listener) {
      listeners.add(listener);
      return this;
    }

    /** The trainer. */
    public Trainer build() {
      return new Trainer(this);
    }
  }
}
