package dev.octet.workflows.distiller.prune;

import dev.octet.torch.Tensors;
import dev.octet.workflows.distiller.prune.Ranking.Candidate;
import dev.octet.workflows.distiller.stats.Structure;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Drops whole parts of parameters: the {@link Structure} says what a part is, the {@link Ranking}
 * which go first, the {@link Sparsity} how many.
 *
 * <pre>{@code
 * StructurePruner.builder("half", Structure.FILTERS, Ranking.L1)
 *     .weights(List.of("conv2.weight", "conv3.weight"))
 *     .sparsity(Sparsity.gradual(0.1, 0.5))
 *     .build();
 * }</pre>
 */
public final class StructurePruner extends ParameterPruner {
  private static final String USES = "uses";

  private final Structure structure;
  private final Ranking ranking;
  private final Sparsity sparsity;
  private final List<String> weights;
  private final Map<String, String> activations;
  private final int groupSize;
  private final boolean leader;
  private final boolean bernoulli;
  private final boolean reconstructs;
  private final long seed;
  private long uses;

  private StructurePruner(Builder from) {
    super(from.name);
    structure = from.structure;
    ranking = from.ranking;
    sparsity = from.sparsity;
    weights = checkWeights(from.weights);
    activations = Map.copyOf(from.activations);
    groupSize = from.groupSize;
    leader = from.leader;
    bernoulli = from.bernoulli;
    reconstructs = from.reconstructs;
    seed = from.seed;
  }

  /** A builder. */
  public static Builder builder(String name, Structure structure, Ranking ranking) {
    return new Builder(name, structure, ranking);
  }

  @Override
  public Needs needs() {
    return reconstructs ? Needs.INPUTS : ranking.needs();
  }

  @Override
  public boolean scales() {
    return bernoulli;
  }

  @Override
  public void prune(ZerosMaskDict masks, PrunerEpochs at, Tensor... inputs) {
    if (needs() == Needs.INPUTS && inputs.length == 0) {
      throw new IllegalArgumentException(
          "pruner '" + name() + "' runs the model, and there are no inputs; give some");
    }
    SplittableRandom random = new SplittableRandom(seed * 0x9e3779b97f4a7c15L + uses);
    uses++;
    Set<String> names = names(masks);
    Map<String, double[]> seen =
        ranking.byActivations() ? activations(masks, names, inputs) : Map.of();
    Map<String, boolean[]> chosen = new LinkedHashMap<>();
    boolean[] leading = null;
    for (String parameter : names) {
      long[] shape = Tensors.shape(masks.parameter(parameter));
      if (leading == null || !leader) {
        Candidate candidate =
            Ranking.candidate(parameter, masks.values(parameter), shape, structure);
        leading = chooseParts(candidate, masks, at, random, seen.get(parameter));
      } else if (leading.length != structure.count(shape)) {
        throw new IllegalArgumentException(
            "'"
                + parameter
                + "' has "
                + structure.count(shape)
                + " "
                + structure
                + " and cannot follow the "
                + leading.length
                + " of the first");
      }
      chosen.put(parameter, leading);
    }
    if (reconstructs) {
      Reconstruction.fit(masks, chosen, inputs, random);
    }
    chosen.forEach(
        (parameter, kept) -> {
          long[] shape = Tensors.shape(masks.parameter(parameter));
          int left = 0;
          for (boolean each : kept) {
            left += each ? 1 : 0;
          }
          float scale = bernoulli ? kept.length / (float) left : 1;
          masks.setMask(parameter, structure.expand(kept, shape), scale);
        });
  }

  private boolean[] chooseParts(
      Candidate candidate,
      ZerosMaskDict masks,
      PrunerEpochs at,
      RandomGenerator random,
      double @Nullable [] activation) {
    double level = sparsity.at(at, random);
    double[] scores = ranking.scores(candidate, masks, random, activation);
    if (bernoulli) {
      boolean[] kept = new boolean[scores.length];
      int best = 0;
      for (int i = 0; i < kept.length; i++) {
        kept[i] = scores[i] >= level;
        best = scores[i] > scores[best] ? i : best;
      }
      kept[best] = true; // A layer without any filter could not be scaled.
      return kept;
    }
    if (scores.length % groupSize != 0) {
      throw new IllegalArgumentException(
          "groups of "
              + groupSize
              + " do not divide the "
              + scores.length
              + " "
              + structure
              + " of '"
              + candidate.parameter()
              + "'");
    }
    double[] grouped = new double[scores.length / groupSize];
    for (int i = 0; i < scores.length; i++) {
      grouped[i / groupSize] += scores[i];
    }
    boolean[] keptGroups = withoutLowest(grouped, (int) (level * grouped.length));
    boolean[] kept = new boolean[scores.length];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = keptGroups[i / groupSize];
    }
    return kept;
  }

  /** What the rectifiers behind the layers gave, by parameter. */
  private Map<String, double[]> activations(
      ZerosMaskDict masks, Set<String> names, Tensor[] inputs) {
    Map<String, String> layers = new LinkedHashMap<>();
    TracedLayers traced = null;
    for (String parameter : names) {
      String layer = activations.get(parameter);
      if (layer == null) {
        traced = traced == null ? TracedLayers.of(masks.model(), inputs) : traced;
        layer =
            traced.follower(
                ParameterNames.layer(parameter),
                "BatchNormalization",
                "Relu",
                "Clip",
                "LeakyRelu",
                "HardSwish");
      }
      if (layer == null || !masks.model().modules().containsKey(layer)) {
        throw new IllegalArgumentException(
            "no activation alone reads what the layer of '"
                + parameter
                + "' computes; say by 'activations' which layer's outputs tell its worth");
      }
      layers.put(parameter, layer);
    }
    Map<String, double[]> byLayer =
        ranking.activations(masks.model(), new LinkedHashSet<>(layers.values()), inputs);
    Map<String, double[]> found = new LinkedHashMap<>();
    layers.forEach(
        (parameter, layer) -> {
          double[] values = byLayer.get(layer);
          if (values == null) {
            throw new IllegalArgumentException("'" + layer + "' did not run on the inputs");
          }
          found.put(parameter, values);
        });
    return found;
  }

  private Set<String> names(ZerosMaskDict masks) {
    Map<String, Double> settings = new LinkedHashMap<>();
    weights.forEach(weight -> settings.put(weight, 0.0));
    return spread(settings, masks).keySet();
  }

  @Override
  public void check(ZerosMaskDict masks) {
    for (String parameter : names(masks)) {
      structure.count(Tensors.shape(masks.parameter(parameter)));
    }
    List<String> unknown = new ArrayList<>(activations.values());
    unknown.removeAll(masks.model().modules().keySet());
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException("the model has no layers " + unknown);
    }
  }

  @Override
  public Map<String, double[]> state() {
    return Map.of(USES, new double[] {uses});
  }

  @Override
  public void restore(Map<String, double[]> state) {
    double[] kept = state.getOrDefault(USES, new double[] {0});
    uses = Math.round(kept[0]);
  }

  /** Settings of a structure pruner. */
  public static final class Builder {
    private final String name;
    private final Structure structure;
    private final Ranking ranking;
    private Sparsity sparsity = Sparsity.constant(0.5);
    private List<String> weights = List.of(OTHERS);
    private Map<String, String> activations = Map.of();
    private int groupSize = 1;
    private boolean leader;
    private boolean bernoulli;
    private boolean reconstructs;
    private long seed;

    private Builder(String name, Structure structure, Ranking ranking) {
      this.name = name;
      this.structure = structure;
      this.ranking = ranking;
    }

    /** The part to drop; one half unless told otherwise. It is rounded down to whole groups. */
    public Builder sparsity(Sparsity part) {
      sparsity = part;
      return this;
    }

    /** Names of parameters; {@link #OTHERS}, as at first, for all of two dimensions and more. */
    public Builder weights(List<String> names) {
      weights = names;
      return this;
    }

    /**
     * For rankings by activations: the layer whose outputs tell, by parameter. Those not named have
     * the rectifier that reads them, behind BatchNorm or not.
     */
    public Builder activations(Map<String, String> layers) {
      activations = layers;
      return this;
    }

    /** How many neighbouring parts are kept or dropped as one; 1 unless told otherwise. */
    public Builder groupSize(int parts) {
      if (parts < 1) {
        throw new IllegalArgumentException("groups of " + parts + " parts are none");
      }
      groupSize = parts;
      return this;
    }

    /** Whether all parameters lose the parts that the first one loses. */
    public Builder leader(boolean on) {
      leader = on;
      return this;
    }

    /**
     * Whether each part is dropped by a chance of its own in place of the lowest ones, and what is
     * left enlarged by as much as went, as in dropout; for {@link Ranking#RANDOM} and {@link
     * Masking#DOUBLE_COPIES}.
     */
    public Builder bernoulli(boolean on) {
      bernoulli = on;
      return this;
    }

    /**
     * Whether what is left is fitted to the outputs that the layer had before, by least squares
     * over samples (He et al., "Channel Pruning for Accelerating Very Deep Neural Networks", 2017);
     * for {@link Structure#CHANNELS}.
     */
    public Builder reconstructs(boolean on) {
      reconstructs = on;
      return this;
    }

    /** What random choices follow from; 0 unless told otherwise. */
    public Builder seed(long number) {
      seed = number;
      return this;
    }

    /**
     * The pruner.
     *
     * @throws IllegalArgumentException if settings exclude one another
     */
    @SuppressWarnings("ReferenceEquality") // The constants are the only ones of their kind.
    public StructurePruner build() {
      if (ranking.byActivations() && structure != Structure.FILTERS) {
        throw new IllegalArgumentException(
            "activations tell the worth of filters, not of " + structure);
      }
      if (bernoulli && (ranking != Ranking.RANDOM || groupSize != 1)) {
        throw new IllegalArgumentException(
            "parts that each have a chance of their own are not ranked by "
                + ranking
                + ", nor grouped; choose Ranking.RANDOM and no groups");
      }
      if (reconstructs && (structure != Structure.CHANNELS || leader || bernoulli)) {
        throw new IllegalArgumentException(
            "outputs are fitted where channels are dropped layer by layer, not " + structure);
      }
      return new StructurePruner(this);
    }
  }
}
