package dev.octet.workflows.distiller.prune;

import dev.octet.torch.Scope;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import dev.octet.workflows.distiller.prune.ParameterPruner.Needs;
import dev.octet.workflows.distiller.stats.Structure;
import dev.octet.workflows.distiller.stats.SummaryActivationStatsCollector;
import dev.octet.workflows.distiller.stats.SummaryActivationStatsCollector.Statistic;
import java.util.Collection;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.random.RandomGenerator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** What the parts of a parameter are worth: those of the lowest scores are dropped first. */
public final class Ranking {
  /**
   * What is judged.
   *
   * @param parameter its name
   * @param values in row-major order
   * @param parts the number of the part that each value belongs to
   * @param count of the parts
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Candidate(String parameter, float[] values, int[] parts, int count) {}

  /** Scores of a candidate's parts, one for each. */
  @FunctionalInterface
  public interface Scores {
    /** The scores. */
    double[] of(Candidate candidate);
  }

  /** Where scores come from, once it is known what there is. */
  private interface Source {
    double[] scores(Candidate candidate, ZerosMaskDict masks, RandomGenerator random);
  }

  /** The sum of magnitudes. */
  public static final Ranking L1 = weights("L1", Math::abs);

  /** The sum of squares. */
  public static final Ranking L2 = weights("L2", value -> value * value);

  /**
   * What the loss would change by, to the first order: the magnitude of {@code Σ weight · gradient}
   * (Molchanov et al., "Pruning Convolutional Neural Networks for Resource Efficient Inference",
   * 2017).
   */
  public static final Ranking GRADIENT =
      new Ranking(
          "gradient",
          Needs.GRADIENTS,
          null,
          (candidate, masks, random) -> {
            float[] products = masks.gradient(candidate.parameter());
            for (int i = 0; i < products.length; i++) {
              products[i] *= candidate.values()[i];
            }
            double[] sums = sums(products, candidate.parts(), candidate.count(), value -> value);
            for (int i = 0; i < sums.length; i++) {
              sums[i] = Math.abs(sums[i]);
            }
            return sums;
          });

  /** By chance. */
  public static final Ranking RANDOM =
      new Ranking(
          "random",
          Needs.WEIGHTS,
          null,
          (candidate, masks, random) -> random.doubles(candidate.count()).toArray());

  /** Filters by how often what they make is not zero: {@link Statistic#APOZ_CHANNELS}. */
  public static final Ranking ACTIVATION_APOZ =
      new Ranking("APoZ", Needs.INPUTS, Statistic.APOZ_CHANNELS, null);

  /** Filters by the mean of what they make: {@link Statistic#MEAN_CHANNELS}. */
  public static final Ranking ACTIVATION_MEAN =
      new Ranking("mean activation", Needs.INPUTS, Statistic.MEAN_CHANNELS, null);

  private final String name;
  private final Needs needs;
  private final @Nullable Statistic statistic;
  private final @Nullable Source source;

  private Ranking(
      String name, Needs needs, @Nullable Statistic statistic, @Nullable Source source) {
    this.name = name;
    this.needs = needs;
    this.statistic = statistic;
    this.source = source;
  }

  private static Ranking weights(String name, DoubleUnaryOperator of) {
    return of(
        name, candidate -> sums(candidate.values(), candidate.parts(), candidate.count(), of));
  }

  /**
   * By scores of one's own, such as statistics of activations over many samples.
   *
   * @param name for messages
   */
  public static Ranking of(String name, Scores scores) {
    return new Ranking(
        name, Needs.WEIGHTS, null, (candidate, masks, random) -> scores.of(candidate));
  }

  /** What must be there to rank. */
  public Needs needs() {
    return needs;
  }

  /** Whether this is about what a layer makes, and so about filters alone. */
  boolean byActivations() {
    return statistic != null;
  }

  /** The scores, or for a ranking by activations those of {@link #activations}. */
  double[] scores(
      Candidate candidate,
      ZerosMaskDict masks,
      RandomGenerator random,
      double @Nullable [] activations) {
    double[] scores;
    if (source != null) {
      scores = source.scores(candidate, masks, random);
    } else if (activations != null) {
      scores = activations.clone();
      for (int i = 0; i < scores.length && statistic == Statistic.APOZ_CHANNELS; i++) {
        scores[i] = 1 - scores[i];
      }
    } else {
      throw new IllegalStateException("no activations for " + candidate.parameter());
    }
    if (scores.length != candidate.count()) {
      throw new IllegalArgumentException(
          "the ranking by "
              + name
              + " has "
              + scores.length
              + " scores for the "
              + candidate.count()
              + " parts of '"
              + candidate.parameter()
              + "'");
    }
    return scores;
  }

  /** Runs a model in eval mode, and gives what this ranking is based on, by layer. */
  Map<String, double[]> activations(Module model, Collection<String> layers, Tensor[] inputs) {
    if (statistic == null) {
      throw new IllegalStateException(name + " is not about activations");
    }
    try (SummaryActivationStatsCollector collector =
        new SummaryActivationStatsCollector(model, layers, statistic)) {
      runInEval(model, inputs);
      return collector.values();
    }
  }

  /** Runs a model in eval mode, for what its hooks see. */
  static void runInEval(Module model, Tensor[] inputs) {
    boolean training = model.isTraining();
    model.eval();
    try (Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      model.call(inputs);
    } finally {
      model.train(training);
    }
  }

  /** Sums over the parts. */
  static double[] sums(float[] values, int[] parts, int count, DoubleUnaryOperator of) {
    double[] sums = new double[count];
    for (int i = 0; i < parts.length; i++) {
      sums[parts[i]] += of.applyAsDouble(values[i]);
    }
    return sums;
  }

  /** The candidate of a parameter. */
  static Candidate candidate(String parameter, float[] values, long[] shape, Structure structure) {
    return new Candidate(parameter, values, structure.parts(shape), structure.count(shape));
  }

  /** What it is by. */
  @Override
  public String toString() {
    return name;
  }
}
