package dev.octet.workflows.distiller.schedule;

import dev.octet.core.yaml.YamlField;
import dev.octet.workflows.distiller.prune.AutomatedGradualPruner;
import dev.octet.workflows.distiller.prune.BaiduRNNPruner;
import dev.octet.workflows.distiller.prune.MagnitudeParameterPruner;
import dev.octet.workflows.distiller.prune.Masking;
import dev.octet.workflows.distiller.prune.ParameterPruner;
import dev.octet.workflows.distiller.prune.Ranking;
import dev.octet.workflows.distiller.prune.SensitivityPruner;
import dev.octet.workflows.distiller.prune.Sparsity;
import dev.octet.workflows.distiller.prune.SparsityLevelParameterPruner;
import dev.octet.workflows.distiller.prune.SplicingPruner;
import dev.octet.workflows.distiller.prune.StructureParameterPruner;
import dev.octet.workflows.distiller.prune.StructureParameterPruner.Criterion;
import dev.octet.workflows.distiller.prune.StructureParameterPruner.Regime;
import dev.octet.workflows.distiller.prune.StructurePruner;
import dev.octet.workflows.distiller.stats.Structure;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Pruners as a schedule defines them, under Distiller's names. */
final class PrunerDefinition {
  private static final String GRADUAL = "_AGP";
  private static final String PLACES = "group_type,weights,group_dependency,seed";

  /** A ranked pruner's own keys, without those of how much it drops. */
  private static final Map<String, String> RANKED = ranked();

  private static final Map<String, List<String>> CLASSES = classes();

  private PrunerDefinition() {}

  private static Map<String, String> ranked() {
    Map<String, String> ranked = new LinkedHashMap<>();
    ranked.put("L1RankedStructureParameterPruner", PLACES + ",kwargs,group_size");
    ranked.put("L2RankedStructureParameterPruner", PLACES + ",kwargs,group_size");
    ranked.put("ActivationAPoZRankedFilterPruner", PLACES + ",activations");
    ranked.put("ActivationMeanRankedFilterPruner", PLACES + ",activations");
    ranked.put("GradientRankedFilterPruner", PLACES);
    ranked.put("RandomRankedFilterPruner", PLACES);
    ranked.put("BernoulliFilterPruner", PLACES);
    ranked.put("FMReconstructionChannelPruner", PLACES + ",group_size");
    return ranked;
  }

  private static Map<String, List<String>> classes() {
    Map<String, List<String>> classes =
        Fields.ordered(
            "AutomatedGradualPruner", "initial_sparsity,final_sparsity,weights",
            "MagnitudeParameterPruner", "thresholds",
            "SensitivityPruner", "sensitivities",
            "SparsityLevelParameterPruner", "levels",
            "SplicingPruner", "sensitivities,low_thresh_mult,hi_thresh_mult,sensitivity_multiplier",
            "BaiduRNNPruner", "q,ramp_epoch,ramp_slope_mult,weights",
            "StructureParameterPruner", "reg_regims,threshold_criteria",
            "RandomLevelStructureParameterPruner", PLACES + ",kwargs,sparsity_range");
    RANKED.forEach(
        (name, keys) -> {
          classes.put(name, List.of((keys + ",desired_sparsity").split(",", -1)));
          classes.put(
              name + GRADUAL, List.of((keys + ",initial_sparsity,final_sparsity").split(",", -1)));
        });
    return classes;
  }

  /** A fresh pruner, since some remember. */
  static ParameterPruner read(YamlField field) {
    return read(field, null);
  }

  /**
   * The same.
   *
   * @param levels in the place of those defined; null for none
   */
  private static ParameterPruner read(YamlField field, @Nullable Map<String, Double> levels) {
    String name = Fields.name(field);
    String type = Fields.type(field, CLASSES);
    if (levels != null && !type.equals("SparsityLevelParameterPruner")) {
      throw field.wrong("a policy gives it levels, which SparsityLevelParameterPruner alone takes");
    }
    return switch (type) {
      case "AutomatedGradualPruner" ->
          new AutomatedGradualPruner(
              name,
              Fields.required(field, "initial_sparsity", Fields::number),
              Fields.required(field, "final_sparsity", Fields::number),
              weights(field));
      case "MagnitudeParameterPruner" ->
          new MagnitudeParameterPruner(name, Fields.required(field, "thresholds", Fields::named));
      case "SensitivityPruner" ->
          new SensitivityPruner(name, Fields.required(field, "sensitivities", Fields::named));
      case "SparsityLevelParameterPruner" ->
          new SparsityLevelParameterPruner(
              name, levels != null ? levels : Fields.required(field, "levels", Fields::named));
      case "SplicingPruner" ->
          new SplicingPruner(
              name,
              Fields.required(field, "sensitivities", Fields::named),
              Fields.required(field, "low_thresh_mult", Fields::number),
              Fields.required(field, "hi_thresh_mult", Fields::number),
              Fields.or(field.get("sensitivity_multiplier", Fields::number), 0));
      case "BaiduRNNPruner" ->
          new BaiduRNNPruner(
              name,
              Fields.required(field, "q", Fields::number),
              Fields.required(field, "ramp_epoch", YamlField::integer),
              Fields.required(field, "ramp_slope_mult", Fields::number),
              weights(field));
      case "StructureParameterPruner" ->
          new StructureParameterPruner(
              name,
              Fields.required(field, "reg_regims", PrunerDefinition::regimes),
              Fields.required(field, "threshold_criteria", PrunerDefinition::criterion));
      default -> ranked(field, name, type);
    };
  }

  private static List<String> weights(YamlField field) {
    return Fields.required(
        field, "weights", list -> list.items().stream().map(YamlField::text).toList());
  }

  private static StructurePruner ranked(YamlField field, String name, String type) {
    boolean gradual = type.endsWith(GRADUAL);
    String base = gradual ? type.substring(0, type.length() - GRADUAL.length()) : type;
    Structure structure = structure(field, base);
    Ranking ranking =
        switch (base) {
          case "L2RankedStructureParameterPruner" -> Ranking.L2;
          case "ActivationAPoZRankedFilterPruner" -> Ranking.ACTIVATION_APOZ;
          case "ActivationMeanRankedFilterPruner" -> Ranking.ACTIVATION_MEAN;
          case "GradientRankedFilterPruner" -> Ranking.GRADIENT;
          case "RandomRankedFilterPruner", "BernoulliFilterPruner" -> Ranking.RANDOM;
          default -> Ranking.L1;
        };
    StructurePruner.Builder builder =
        StructurePruner.builder(name, structure, ranking)
            .weights(weights(field))
            .sparsity(sparsity(field, base, gradual))
            .bernoulli(base.equals("BernoulliFilterPruner"))
            .reconstructs(base.equals("FMReconstructionChannelPruner"));
    YamlField dependency = field.get("group_dependency");
    if (dependency != null && !dependency.isNull()) {
      if (!dependency.text().equals("Leader")) {
        throw dependency.wrong("found '" + dependency.text() + "'; only 'Leader' is known");
      }
      builder.leader(true);
    }
    Integer group = field.get("group_size", YamlField::integer);
    Integer seed = field.get("seed", YamlField::integer);
    Map<String, String> activations = field.get("activations", PrunerDefinition::texts);
    return field.checked(
        () ->
            builder
                .groupSize(group == null ? 1 : group)
                .seed(seed == null ? 0 : seed)
                .activations(activations == null ? Map.of() : activations)
                .build());
  }

  private static Map<String, String> texts(YamlField field) {
    Map<String, String> texts = new LinkedHashMap<>();
    field.keys().forEach(key -> texts.put(key, Fields.required(field, key, YamlField::text)));
    return texts;
  }

  private static Sparsity sparsity(YamlField field, String base, boolean gradual) {
    if (gradual) {
      return Sparsity.gradual(
          Fields.required(field, "initial_sparsity", Fields::number),
          Fields.required(field, "final_sparsity", Fields::number));
    }
    if (base.equals("RandomLevelStructureParameterPruner")) {
      YamlField range = Fields.required(field, "sparsity_range", value -> value);
      List<Double> ends = Fields.numbers(range);
      if (ends.size() != 2) {
        throw range.wrong("found " + ends.size() + " numbers; give the lowest and the highest");
      }
      return range.checked(() -> Sparsity.random(ends.get(0), ends.get(1)));
    }
    return Sparsity.constant(Fields.required(field, "desired_sparsity", Fields::number));
  }

  private static Structure structure(YamlField field, String base) {
    YamlField type = Fields.required(field, "group_type", value -> value);
    boolean filters = base.endsWith("FilterPruner");
    boolean channels = base.startsWith("FMReconstruction");
    String text = type.text();
    // Rows are those of the transposed weight there: what reads one input.
    return switch (text) {
      case "3D", "Filters" -> only(type, !channels, Structure.FILTERS);
      case "Channels" -> only(type, !filters, Structure.CHANNELS);
      case "Rows" -> only(type, !filters && !channels, Structure.CHANNELS);
      case "Blocks" -> only(type, !filters && !channels, blocks(field));
      default ->
          throw type.wrong(
              "found '" + text + "'; choose one of 3D, Filters, Channels, Rows, Blocks");
    };
  }

  private static Structure only(YamlField type, boolean known, Structure structure) {
    if (!known) {
      throw type.wrong("this class does not drop " + structure);
    }
    return structure;
  }

  private static Structure blocks(YamlField field) {
    YamlField kwargs = Fields.required(field, "kwargs", value -> value);
    kwargs.section(List.of("block_shape"));
    YamlField shape = Fields.required(kwargs, "block_shape", value -> value);
    List<Integer> sizes = Fields.integers(shape);
    if (sizes.size() != 4 || sizes.get(2) != 1 || sizes.get(3) != 1) {
      throw shape.wrong("found " + sizes + "; give [filters, channels, 1, 1]");
    }
    return shape.checked(() -> Structure.blocks(sizes.get(0), sizes.get(1)));
  }

  // --- Regularizers ------------------------------------------------------------------------------

  /** Structures of a word such as {@code Rows+Cols}. */
  private static List<Structure> structures(YamlField field) {
    List<Structure> structures = new ArrayList<>();
    for (String word : field.text().split("\\+", -1)) {
      structures.add(
          switch (word) {
            case "2D" -> Structure.KERNELS;
            case "3D", "Filters", "Rows" -> Structure.FILTERS;
            case "Channels", "Cols" -> Structure.CHANNELS;
            case "4D" -> Structure.LAYER;
            default ->
                throw field.wrong(
                    "found '"
                        + word
                        + "'; choose among 2D, 3D, Filters, Channels, 4D, Rows and Cols, joined by"
                        + " +");
          });
    }
    return structures;
  }

  /** Strengths and structures by parameter: {@code conv1.weight: [0.001, 3D]}. */
  private static Map<String, Regime> regimes(YamlField field) {
    Map<String, Regime> regimes = new LinkedHashMap<>();
    for (String key : field.keys()) {
      YamlField value = Fields.required(field, key, each -> each);
      List<YamlField> both = value.items();
      if (both.size() != 2) {
        throw value.wrong("found " + both.size() + " values; give [strength, structure]");
      }
      regimes.put(
          key,
          value.checked(() -> new Regime(Fields.number(both.get(0)), structures(both.get(1)))));
    }
    return regimes;
  }

  private static Criterion criterion(YamlField field) {
    return switch (field.text()) {
      case "Mean_Abs" -> Criterion.MEAN_ABS;
      case "Max" -> Criterion.MAX;
      default -> throw field.wrong("found '" + field.text() + "'; choose Mean_Abs or Max");
    };
  }

  /** A regularizer, with the {@code args} that a policy gives it. */
  static RegularizationPolicy regularizer(YamlField field, @Nullable YamlField args) {
    String name = Fields.name(field);
    String type =
        Fields.type(
            field,
            Fields.ordered(
                "L1Regularizer", "reg_regims,threshold_criteria",
                "GroupLassoRegularizer", "reg_regims,threshold_criteria",
                "GroupVarianceRegularizer", "reg_regims"));
    YamlField given = field.get("threshold_criteria");
    Criterion criterion = given == null || given.isNull() ? null : criterion(given);
    Map<String, Penalty> penalties = new LinkedHashMap<>();
    ParameterPruner threshold = null;
    if (type.equals("L1Regularizer")) {
      Map<String, Double> strengths = Fields.required(field, "reg_regims", Fields::named);
      strengths.forEach(
          (key, strength) -> penalties.put(key, field.checked(() -> Penalty.l1(strength))));
      threshold = criterion == null ? null : new MagnitudeParameterPruner(name, strengths);
    } else {
      Map<String, Regime> regimes = Fields.required(field, "reg_regims", PrunerDefinition::regimes);
      Penalty.Kind kind =
          type.equals("GroupLassoRegularizer")
              ? Penalty.Kind.GROUP_LASSO
              : Penalty.Kind.GROUP_VARIANCE;
      regimes.forEach(
          (key, regime) ->
              penalties.put(key, new Penalty(kind, regime.threshold(), regime.structures())));
      threshold = criterion == null ? null : new StructureParameterPruner(name, regimes, criterion);
    }
    boolean keep =
        args != null
            && Boolean.TRUE.equals(
                args.section(List.of("keep_mask")).get("keep_mask", YamlField::truth));
    ParameterPruner chosen = threshold;
    return field.checked(() -> new RegularizationPolicy(name, penalties, chosen, keep));
  }

  // --- Policies ----------------------------------------------------------------------------------

  /** A pruner's policy, with the {@code args} that it is given. */
  static PruningPolicy policy(YamlField definition, @Nullable YamlField args) {
    if (args == null) {
      return definition.checked(() -> PruningPolicy.builder(read(definition)).build());
    }
    args.section(
        List.of(
            "levels",
            "keep_mask",
            "mask_gradients",
            "mask_on_forward_only",
            "use_double_copies",
            "mini_batch_pruning_frequency",
            "discard_masks_at_minibatch_end",
            "fold_batchnorm"));
    Masking masking =
        isOn(args, "use_double_copies")
            ? Masking.DOUBLE_COPIES
            : isOn(args, "mask_on_forward_only") ? Masking.FORWARD_ONLY : Masking.ALWAYS;
    Integer frequency = args.get("mini_batch_pruning_frequency", YamlField::integer);
    ParameterPruner pruner = read(definition, args.get("levels", Fields::named));
    return args.checked(
        () ->
            PruningPolicy.builder(pruner)
                .masking(masking)
                .keepMask(isOn(args, "keep_mask"))
                .maskGradients(isOn(args, "mask_gradients"))
                .discardMasksAtMinibatchEnd(isOn(args, "discard_masks_at_minibatch_end"))
                .foldBatchNorm(isOn(args, "fold_batchnorm"))
                .miniBatchPruningFrequency(frequency == null ? 0 : frequency)
                .build());
  }

  private static boolean isOn(YamlField args, String key) {
    return Boolean.TRUE.equals(args.get(key, YamlField::truth));
  }

  /** A word of an enum, whatever its case. */
  static <E extends Enum<E>> E word(YamlField field, Class<E> kind) {
    String text = field.text().toUpperCase(Locale.ROOT);
    for (E each : kind.getEnumConstants()) {
      if (each.name().equals(text)) {
        return each;
      }
    }
    throw field.wrong(
        "found '" + field.text() + "'; choose one of " + List.of(kind.getEnumConstants()));
  }
}
