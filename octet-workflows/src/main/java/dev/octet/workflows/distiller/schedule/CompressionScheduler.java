package dev.octet.workflows.distiller.schedule;

import dev.octet.graph.Tensor;
import dev.octet.torch.nn.Module;
import dev.octet.torch.train.EpochResult;
import dev.octet.torch.train.LearningRate;
import dev.octet.torch.train.TrainingCallbacks;
import dev.octet.workflows.distiller.Quantizer;
import dev.octet.workflows.distiller.prune.ZerosMaskDict;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Calls policies in their epochs while a {@link dev.octet.torch.train.Trainer} trains.
 *
 * <pre>{@code
 * CompressionScheduler scheduler = new CompressionScheduler(net, epochs);
 * scheduler.addPolicy(new QuantizationPolicy(quantizer), PolicyEpochs.of(0, epochs, 1));
 * Trainer.builder(net, optimizer)
 *     .epochs(epochs)
 *     .learningRate(scheduler.learningRate())
 *     .callbacks(scheduler)
 *     .checkpoint(file, scheduler.run())
 *     .build()
 *     .fit(training, validation);
 * }</pre>
 *
 * <p>Masks hold in every epoch, once a pruner has set them. A run that is resumed has the masks,
 * and what else pruners remember, from its checkpoint.
 */
public final class CompressionScheduler implements TrainingCallbacks, AutoCloseable {
  private static final String MASK = "mask.";
  private static final String PRUNER = "pruner.";
  private static final String THINNED = "thinned.";
  private static final String RATE = "rate.";

  private record Scheduled(ScheduledTrainingPolicy policy, PolicyEpochs epochs) {}

  private record ScheduledRate(LRScheduler rate, PolicyEpochs epochs) {}

  private final int epochs;
  private final double learningRate;
  private final ZerosMaskDict masks;
  private final List<Scheduled> policies = new ArrayList<>();
  private final List<ScheduledRate> rates = new ArrayList<>();
  private final Map<String, String> run = new TreeMap<>();
  private Map<String, Double> lossComponents = Map.of();

  /**
   * A scheduler without policies.
   *
   * @param model prepared by its quantizer already, if it has one; stays the caller's to close
   * @param epochs of the run
   * @param learningRate that training starts with
   */
  public CompressionScheduler(Module model, int epochs, double learningRate) {
    if (epochs < 1) {
      throw new IllegalArgumentException(epochs + " epochs are none");
    }
    this.epochs = epochs;
    this.learningRate = learningRate;
    masks = new ZerosMaskDict(model);
  }

  /**
   * Adds a policy; those of an epoch are called in the order in which they were added.
   *
   * @throws IllegalArgumentException if a pruner names a parameter that does not exist, or a
   *     quantizer does not start at epoch 0
   */
  public CompressionScheduler addPolicy(ScheduledTrainingPolicy policy, PolicyEpochs when) {
    if (policy instanceof PruningPolicy pruning) {
      pruning.pruner().check(masks);
    }
    if (policy instanceof RegularizationPolicy regularization) {
      regularization.check(masks);
    }
    if (policy instanceof QuantizationPolicy quantization) {
      if (when.epochs().first() != 0) {
        throw new IllegalArgumentException(
            "a quantizer changes the model before training starts, and this is to start at epoch "
                + when.epochs().first()
                + "; let it start at 0");
      }
      if (quantizer() != null) {
        throw new IllegalArgumentException("there is a quantizer already; a model takes one");
      }
      run.put("the quantizer", quantization.quantizer().metadata().toYaml());
    }
    policies.add(new Scheduled(policy, when));
    return this;
  }

  /** Adds a schedule of the learning rate; several are multiplied. */
  public CompressionScheduler addLearningRate(LRScheduler rate, PolicyEpochs when) {
    rates.add(new ScheduledRate(rate, when));
    return this;
  }

  /** Notes something that decides how the run goes on, for {@link #run}. */
  void note(String name, String value) {
    run.put(name, value);
  }

  /** The quantizer, if a policy has one. */
  public @Nullable Quantizer quantizer() {
    for (Scheduled each : policies) {
      if (each.policy() instanceof QuantizationPolicy quantization) {
        return quantization.quantizer();
      }
    }
    return null;
  }

  /** The masks. */
  public ZerosMaskDict zerosMaskDict() {
    return masks;
  }

  /** What the last step's loss consists of beside the label's, by name. */
  public Map<String, Double> lossComponents() {
    return Collections.unmodifiableMap(lossComponents);
  }

  /** Whether any policy sets the learning rate. */
  public boolean schedulesLearningRate() {
    return !rates.isEmpty();
  }

  /** The learning rate of the run, for the trainer: it changes from epoch to epoch. */
  public LearningRate learningRate() {
    return (step, steps) -> factor((int) (step * epochs / steps));
  }

  /** The factor on the learning rate in an epoch. */
  public double factor(int epoch) {
    double factor = 1;
    for (ScheduledRate each : rates) {
      factor *= each.rate().factor(each.epochs().before(epoch), learningRate);
    }
    return factor;
  }

  /** What decides how the run goes on, for a checkpoint that no other run is to continue. */
  public Map<String, String> run() {
    return Collections.unmodifiableMap(run);
  }

  private void inEpoch(int epoch, Consumer<Scheduled> call) {
    for (Scheduled each : policies) {
      if (each.epochs().contains(epoch)) {
        call.accept(each);
      }
    }
  }

  @Override
  public void onEpochBegin(int epoch) {
    inEpoch(epoch, each -> each.policy().onEpochBegin(epoch, each.epochs(), masks));
    roundChanged();
  }

  @Override
  public void onMinibatchBegin(Minibatch at) {
    inEpoch(at.epoch(), each -> each.policy().onMinibatchBegin(at, each.epochs(), masks));
    roundChanged();
  }

  /** What a model with a quantizer computes with follows its float parameters. */
  private void roundChanged() {
    Quantizer quantizer = quantizer();
    if (masks.takeChanged() && quantizer != null) {
      quantizer.quantizeParams();
    }
  }

  @Override
  public org.bytedeco.pytorch.Tensor beforeBackwardPass(
      Minibatch at, org.bytedeco.pytorch.Tensor output, org.bytedeco.pytorch.Tensor loss) {
    org.bytedeco.pytorch.Tensor overall = loss;
    Map<String, Double> components = new LinkedHashMap<>();
    for (Scheduled each : policies) {
      if (each.epochs().contains(at.epoch())) {
        PolicyLoss changed = each.policy().beforeBackwardPass(at, output, overall, masks);
        if (changed != null) {
          overall = changed.overallLoss();
          components.putAll(changed.lossComponents());
        }
      }
    }
    lossComponents = components;
    return overall;
  }

  @Override
  public void beforeParameterOptimization(Minibatch at) {
    masks.revert();
    inEpoch(at.epoch(), each -> each.policy().beforeParameterOptimization(at, masks));
  }

  @Override
  public void onMinibatchEnd(Minibatch at) {
    // Momentum moves what was masked: it becomes zero again before anyone rounds or reads it.
    masks.apply();
    masks.takeChanged(); // The quantizer's policy rounds once a step; what others change comes
    // after.
    inEpoch(at.epoch(), each -> each.policy().onMinibatchEnd(at, masks));
    roundChanged();
  }

  @Override
  public void onEpochEnd(EpochResult result) {
    inEpoch(result.epoch(), each -> each.policy().onEpochEnd(result.epoch(), masks));
    roundChanged();
    rates.forEach(
        each -> {
          if (each.epochs().contains(result.epoch())) {
            each.rate().onEpochEnd(result);
          }
        });
  }

  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new TreeMap<>();
    masks.state().forEach((name, mask) -> state.put(MASK + name, mask));
    masks.thinnedState().forEach((name, tensor) -> state.put(THINNED + name, tensor));
    pruning(
        (policy, place) ->
            policy
                .pruner()
                .state()
                .forEach((name, values) -> state.put(PRUNER + place + "." + name, bits(values))));
    for (int i = 0; i < rates.size(); i++) {
      double[] values = rates.get(i).rate().state();
      if (values.length > 0) {
        state.put(RATE + i, bits(values));
      }
    }
    return state;
  }

  private void pruning(ObjIntConsumer<PruningPolicy> use) {
    for (int i = 0; i < policies.size(); i++) {
      if (policies.get(i).policy() instanceof PruningPolicy policy) {
        use.accept(policy, i);
      }
    }
  }

  private static Tensor bits(double[] values) {
    return Tensor.ofLongs(
        Arrays.stream(values).mapToLong(Double::doubleToLongBits).toArray(), values.length);
  }

  private static double[] values(Tensor bits) {
    return Arrays.stream(bits.toLongs()).mapToDouble(Double::longBitsToDouble).toArray();
  }

  /** The part of a state whose names begin with a prefix, without it. */
  private static Map<String, Tensor> under(String prefix, Map<String, Tensor> state) {
    Map<String, Tensor> found = new TreeMap<>();
    state.forEach(
        (name, tensor) -> {
          if (name.startsWith(prefix)) {
            found.put(name.substring(prefix.length()), tensor);
          }
        });
    return found;
  }

  @Override
  public void beforeRestore(Map<String, Tensor> state) {
    Map<String, Tensor> thinned = under(THINNED, state);
    if (thinned.isEmpty()) {
      return;
    }
    for (Scheduled each : policies) {
      if (each.policy() instanceof ThinningPolicy thinning) {
        masks.restoreThinned(thinned, thinning.optimizer());
        return;
      }
    }
    throw new IllegalArgumentException("its layers became smaller, and no policy here does that");
  }

  @Override
  public void restore(Map<String, Tensor> state) {
    masks.restore(under(MASK, state));
    pruning(
        (policy, place) -> {
          Map<String, double[]> remembered = new TreeMap<>();
          under(PRUNER + place + ".", state)
              .forEach((name, bits) -> remembered.put(name, values(bits)));
          policy.pruner().restore(remembered);
        });
    for (int i = 0; i < rates.size(); i++) {
      Tensor kept = state.get(RATE + i);
      if (kept != null) {
        rates.get(i).rate().restore(values(kept));
      }
    }
    Quantizer quantizer = quantizer();
    if (quantizer != null) {
      quantizer.quantizeParams();
    }
  }

  /** Frees the masks; what they zeroed stays zero. */
  @Override
  public void close() {
    masks.close();
  }
}
