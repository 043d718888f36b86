package dev.octet.workflows.distiller.schedule;

import dev.octet.core.yaml.Dialect;
import dev.octet.core.yaml.Messages;
import dev.octet.core.yaml.SafeYaml;
import dev.octet.core.yaml.YamlField;
import dev.octet.torch.nn.Module;
import dev.octet.torch.nn.NormNd;
import dev.octet.torch.qat.TrainingScheme;
import dev.octet.torch.train.Optimizer;
import dev.octet.workflows.distiller.Quantizer;
import dev.octet.workflows.distiller.prune.Thinning;
import dev.octet.workflows.distiller.train.DorefaQuantizer;
import dev.octet.workflows.distiller.train.TrainingQuantizer;
import dev.octet.workflows.distiller.train.WRPNQuantizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Distiller's compression schedule: what is defined, and which epochs use it.
 *
 * <pre>{@code
 * quantizers:
 *   dorefa:
 *     class: DorefaQuantizer
 *     bits_activations: 4
 *     bits_weights: 4
 *     overrides:
 *       conv1: {bits_weights: null, bits_activations: null}
 * pruners:
 *   gradual:
 *     class: AutomatedGradualPruner
 *     initial_sparsity: 0.1
 *     final_sparsity: 0.7
 *     weights: [layer1.0.conv1.weight]
 * lr_schedulers:
 *   rate: {class: MultiStepLR, milestones: [10, 15], gamma: 0.1}
 * policies:
 *   - quantizer: {instance_name: dorefa}
 *     starting_epoch: 0
 *     ending_epoch: 20
 *     frequency: 1
 *   - pruner: {instance_name: gradual, args: {mask_gradients: true}}
 *     epochs: [0, 2, 4]
 *   - lr_scheduler: {instance_name: rate}
 *     starting_epoch: 0
 *     ending_epoch: 20
 *     frequency: 1
 * }</pre>
 *
 * <p>Sections are {@code quantizers} (one at most), {@code pruners}, {@code regularizers}, {@code
 * lr_schedulers}, {@code extensions} and {@code policies}. A policy has either {@code epochs} or
 * {@code starting_epoch}, {@code ending_epoch} (not included) and {@code frequency}. The text is
 * read without tags, anchors and aliases; what is not known, and what no policy uses, is an error
 * that names its line.
 */
public final class Schedule {
  private static final Dialect DIALECT =
      new Dialect(
          "schedule",
          "write at least 'policies' and what they use",
          "name a schedule's file",
          ScheduleException::new);

  private static final String QUANTIZERS = "quantizers";
  private static final String PRUNERS = "pruners";
  private static final String REGULARIZERS = "regularizers";
  private static final String RATES = "lr_schedulers";
  private static final String EXTENSIONS = "extensions";

  private static final Map<String, String> KINDS = kinds();

  /** Makes a policy once there is a model. */
  private interface Extension {
    ScheduledTrainingPolicy policy(@Nullable Module teacher, Optimizer optimizer);
  }

  /** A policy as written. */
  private record Entry(
      String kind,
      YamlField name,
      @Nullable YamlField args,
      PolicyEpochs epochs,
      YamlField field) {}

  private final String text;
  private final Map<String, QuantizerDefinition> quantizers = new LinkedHashMap<>();
  private final Map<String, YamlField> pruners = new LinkedHashMap<>();
  private final Map<String, YamlField> regularizers = new LinkedHashMap<>();
  private final Map<String, YamlField> rates = new LinkedHashMap<>();
  private final Map<String, Extension> extensions = new LinkedHashMap<>();
  private final List<Entry> entries = new ArrayList<>();
  private boolean needsTeacher;

  private static Map<String, String> kinds() {
    Map<String, String> kinds = new LinkedHashMap<>();
    kinds.put("quantizer", QUANTIZERS);
    kinds.put("pruner", PRUNERS);
    kinds.put("regularizer", REGULARIZERS);
    kinds.put("lr_scheduler", RATES);
    kinds.put("extension", EXTENSIONS);
    return kinds;
  }

  private Schedule(YamlField top) {
    text = String.valueOf(SafeYaml.plain(top));
    top.section(
        List.of("version", QUANTIZERS, PRUNERS, REGULARIZERS, RATES, EXTENSIONS, "policies"));
    YamlField version = top.get("version");
    if (version != null && version.integer() != 1) {
      throw version.wrong("found " + version.node().kind() + "; this reads version 1");
    }
    define(top, QUANTIZERS, quantizers, QuantizerDefinition::read);
    YamlField given = top.get(QUANTIZERS);
    if (given != null && quantizers.size() > 1) {
      throw given.wrong("there are " + quantizers.keySet() + "; a model takes one quantizer");
    }
    // Read to refuse what is none; each model gets its own, since some remember.
    defineChecked(top, PRUNERS, pruners, PrunerDefinition::read);
    defineChecked(
        top, REGULARIZERS, regularizers, field -> PrunerDefinition.regularizer(field, null));
    defineChecked(top, RATES, rates, RateDefinition::read);
    define(top, EXTENSIONS, extensions, this::extension);
    YamlField policies = top.get("policies");
    if (policies == null) {
      throw top.wrong("there is no section 'policies'; without it nothing is ever done");
    }
    for (YamlField item : policies.items()) {
      entries.add(entry(item));
    }
    refuseUnused(top);
  }

  /**
   * Reads a file.
   *
   * @throws ScheduleException if it cannot be read or is no schedule
   */
  public static Schedule load(Path file) {
    return new Schedule(YamlField.load(file, DIALECT));
  }

  /**
   * Reads a text.
   *
   * @param origin names it in messages
   * @throws ScheduleException if it is no schedule
   */
  public static Schedule read(String yaml, String origin) {
    return new Schedule(YamlField.read(yaml, origin, DIALECT));
  }

  private static <T> void define(
      YamlField top, String section, Map<String, T> into, Function<YamlField, T> read) {
    YamlField fields = top.get(section);
    if (fields == null || fields.isNull()) {
      return;
    }
    for (String name : fields.keys()) {
      T made = fields.get(name, read);
      if (made != null) {
        into.put(name, made);
      }
    }
  }

  private static <T> void defineChecked(
      YamlField top, String section, Map<String, YamlField> into, Function<YamlField, T> read) {
    Map<String, T> made = new LinkedHashMap<>();
    define(top, section, made, read);
    define(top, section, into, field -> field);
  }

  private Extension extension(YamlField field) {
    String type =
        Fields.type(
            field,
            Fields.ordered(
                "KnowledgeDistillationPolicy", "temperature,loss_weights",
                "FilterRemover", "class",
                "ChannelRemover", "class"));
    if (!type.equals("KnowledgeDistillationPolicy")) {
      Thinning.Kind kind =
          type.equals("FilterRemover") ? Thinning.Kind.FILTERS : Thinning.Kind.CHANNELS;
      return (teacher, optimizer) -> new ThinningPolicy(kind, optimizer);
    }
    double temperature = Fields.or(field.get("temperature", Fields::number), 1);
    YamlField weights = field.get("loss_weights");
    double distill = 0.5;
    double student = 0.5;
    if (weights != null) {
      weights.section(List.of("distill", "student", "teacher"));
      distill = Fields.or(weights.get("distill", Fields::number), distill);
      student = Fields.or(weights.get("student", Fields::number), student);
      YamlField teacher = weights.get("teacher");
      if (teacher != null && Fields.number(teacher) != 0) {
        throw teacher.wrong("the teacher does not train, so its own loss has weight 0");
      }
    }
    needsTeacher = true;
    double w = distill;
    double s = student;
    return (teacher, optimizer) -> {
      if (teacher == null) {
        throw field.wrong("there is no teacher to learn from; give one where the schedule is used");
      }
      return field.checked(() -> new KnowledgeDistillationPolicy(teacher, temperature, w, s));
    };
  }

  private Entry entry(YamlField item) {
    List<String> keys = new ArrayList<>(KINDS.keySet());
    keys.addAll(List.of("epochs", "starting_epoch", "ending_epoch", "frequency"));
    item.section(keys);
    List<String> kinds = item.keys().stream().filter(KINDS::containsKey).toList();
    if (kinds.size() != 1) {
      throw item.wrong(
          "found " + kinds + "; a policy has exactly one of " + String.join(", ", KINDS.keySet()));
    }
    String kind = kinds.get(0);
    YamlField used =
        Fields.required(item, kind, field -> field.section(List.of("instance_name", "args")));
    YamlField name = Fields.required(used, "instance_name", field -> field);
    Set<String> defined = defined(kind);
    if (!defined.contains(name.text())) {
      throw name.wrong(
          "'"
              + KINDS.get(kind)
              + "' has no '"
              + Messages.shorten(name.text())
              + "'"
              + (defined.isEmpty() ? "" : "; " + Messages.suggestion(name.text(), defined)));
    }
    YamlField args = used.get("args");
    YamlField given = args == null || args.isNull() ? null : args;
    // Made here to refuse what does not fit; each model gets its own.
    switch (kind) {
      case "pruner" -> used(pruners, name, field -> PrunerDefinition.policy(field, given));
      case "regularizer" ->
          used(regularizers, name, field -> PrunerDefinition.regularizer(field, given));
      default -> {
        if (given != null) {
          throw given.wrong(
              "a " + kind + " takes no args in a policy; put them where it is defined");
        }
      }
    }
    PolicyEpochs epochs = item.checked(() -> epochs(item));
    if (kind.equals("quantizer") && epochs.epochs().first() != 0) {
      throw item.wrong("a quantizer changes the model before training starts; let it start at 0");
    }
    return new Entry(kind, name, given, epochs, item);
  }

  private static <T> T used(
      Map<String, YamlField> definitions, YamlField name, Function<YamlField, T> make) {
    YamlField definition = definitions.get(name.text());
    if (definition == null) {
      throw new IllegalStateException("no instance of " + name.text());
    }
    return make.apply(definition);
  }

  private static PolicyEpochs epochs(YamlField item) {
    YamlField listed = item.get("epochs");
    boolean spanned =
        item.keys().contains("starting_epoch")
            || item.keys().contains("ending_epoch")
            || item.keys().contains("frequency");
    if (listed != null && spanned) {
      throw listed.wrong(
          "there are starting_epoch, ending_epoch or frequency beside it; give one or the other");
    }
    if (listed != null) {
      return listed.checked(() -> PolicyEpochs.of(Fields.integers(listed)));
    }
    Integer frequency = item.get("frequency", YamlField::integer);
    return PolicyEpochs.of(
        Fields.required(item, "starting_epoch", YamlField::integer),
        Fields.required(item, "ending_epoch", YamlField::integer),
        frequency == null ? 1 : frequency);
  }

  private Set<String> defined(String kind) {
    return switch (kind) {
      case "quantizer" -> quantizers.keySet();
      case "pruner" -> pruners.keySet();
      case "regularizer" -> regularizers.keySet();
      case "lr_scheduler" -> rates.keySet();
      default -> extensions.keySet();
    };
  }

  private void refuseUnused(YamlField top) {
    for (Map.Entry<String, String> kind : KINDS.entrySet()) {
      Set<String> unused = new LinkedHashSet<>(defined(kind.getKey()));
      entries.stream()
          .filter(entry -> entry.kind().equals(kind.getKey()))
          .forEach(entry -> unused.remove(entry.name().text()));
      YamlField section = top.get(kind.getValue());
      if (!unused.isEmpty() && section != null) {
        throw section.wrong("no policy uses " + unused + "; add a policy, or drop them");
      }
    }
  }

  /** The number of epochs that the policies reach to: the last epoch of any, and one. */
  public int epochs() {
    return entries.stream().mapToInt(entry -> entry.epochs().epochs().last() + 1).max().orElse(0);
  }

  /** Whether something in it learns from a teacher. */
  public boolean needsTeacher() {
    return needsTeacher;
  }

  /** Whether it has a quantizer. */
  public boolean quantizes() {
    return !quantizers.isEmpty();
  }

  /**
   * Prepares a model, and gives what drives its training.
   *
   * @param model is changed where a quantizer says so; stays the caller's to close
   * @param optimizer of the model's parameters; takes those that a quantizer brings
   * @param epochs of the run; policies beyond it are never called
   * @param teacher for knowledge distillation; null for none
   * @param dummyInputs what a quantizer may run the model on; often none
   * @throws ScheduleException if the schedule does not fit the model, naming the line
   */
  public CompressionScheduler apply(
      Module model,
      Optimizer optimizer,
      int epochs,
      @Nullable Module teacher,
      Tensor... dummyInputs) {
    QuantizationPolicy quantization = null;
    for (Entry entry : entries) {
      QuantizerDefinition definition = quantizers.get(entry.name().text());
      if (entry.kind().equals("quantizer") && definition != null && quantization == null) {
        quantization =
            definition
                .field()
                .checked(
                    () -> {
                      Quantizer quantizer = definition.make(model, optimizer);
                      return new QuantizationPolicy(quantizer, dummyInputs);
                    });
      }
    }
    CompressionScheduler scheduler =
        new CompressionScheduler(model, epochs, optimizer.groups().get(0).learningRate());
    scheduler.note("the schedule", text);
    for (Entry entry : entries) {
      QuantizationPolicy quantized = quantization;
      entry.field().checked(() -> add(scheduler, entry, quantized, teacher, optimizer));
    }
    return scheduler;
  }

  /** The schedule as a way to fine-tune an imported model. */
  public TrainingScheme scheme() {
    return (net, optimizer, epochs, teacher) -> {
      CompressionScheduler scheduler = apply(net, optimizer, epochs, teacher);
      List<String> notes = new ArrayList<>();
      Quantizer quantizer = scheduler.quantizer();
      if (quantizer != null) {
        notes.addAll(quantizer.warnings());
        if (quantizer instanceof TrainingQuantizer training && !training.keptFloat().isEmpty()) {
          notes.add("these stay float: " + training.keptFloat());
        }
        if (quantizer instanceof DorefaQuantizer || quantizer instanceof WRPNQuantizer) {
          noteFoldedNorms(net, notes);
        }
      }
      if (epochs < epochs()) {
        notes.add(
            "the schedule reaches to epoch " + epochs() + ", and training ends after " + epochs);
      }
      return new TrainingScheme.Prepared(
          scheduler,
          scheduler.schedulesLearningRate() ? scheduler.learningRate() : null,
          scheduler.run(),
          notes,
          scheduler::close);
    };
  }

  private static void noteFoldedNorms(Module net, List<String> notes) {
    if (net.modules().values().stream().noneMatch(NormNd.class::isInstance)) {
      notes.add(
          "the model has no BatchNormalization, which this quantizer relies on to bring weights of"
              + " [-1, 1] back to scale; export the model before it is folded, or choose"
              + " QuantAwareTrainRangeLinearQuantizer");
    }
  }

  private CompressionScheduler add(
      CompressionScheduler scheduler,
      Entry entry,
      @Nullable QuantizationPolicy quantization,
      @Nullable Module teacher,
      Optimizer optimizer) {
    YamlField name = entry.name();
    ScheduledTrainingPolicy policy =
        switch (entry.kind()) {
          case "lr_scheduler" -> null;
          case "quantizer" -> quantization;
          case "pruner" -> used(pruners, name, it -> PrunerDefinition.policy(it, entry.args()));
          case "regularizer" ->
              used(regularizers, name, it -> PrunerDefinition.regularizer(it, entry.args()));
          default -> {
            Extension extension = extensions.get(name.text());
            yield extension == null ? null : extension.policy(teacher, optimizer);
          }
        };
    return policy == null
        ? scheduler.addLearningRate(used(rates, name, RateDefinition::read), entry.epochs())
        : scheduler.addPolicy(policy, entry.epochs());
  }
}
