package dev.octet.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.evaluate.Evaluation;
import dev.octet.quantize.report.TextTable;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.torch.nn.ModuleException;
import dev.octet.torch.train.Score;
import dev.octet.torch.train.StoppedException;
import dev.octet.workflows.distiller.Lapq;
import dev.octet.workflows.distiller.PostTrainClassifier;
import dev.octet.workflows.distiller.PostTrainLinearQuantizer;
import dev.octet.workflows.distiller.stats.ModelStats;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/**
 * {@code octet distiller}: what {@code --quantize-eval} of Distiller's sample programs does, with
 * integers at the end.
 */
@Command(
    name = "distiller",
    description = {
      "Quantize an ONNX classifier after training as Distiller does, and write it as integers.",
      "The options are those of Distiller's sample programs. Layers have the names that the model"
          + " was exported from. Statistics come from the training part of the data alone; Distiller"
          + " took the test part, which flatters the result."
    },
    footer = {
      "",
      "Examples:",
      "  octet distiller model.onnx --data cifar10/ --qe-mode asym_u --qe-per-channel",
      "  octet distiller model.onnx --data cifar10/ --qe-calibration 0.1 --qe-clip-acts avg \\",
      "    --qe-no-clip-layers fc --save-stats stats.yaml",
      "  octet distiller model.onnx --data cifar10/ --qe-stats-file stats.yaml --qe-bits-acts 4 \\",
      "    --qe-bits-wts 4 --qe-lapq --lapq-init-mode l3",
    })
final class DistillerCommand extends OctetCommand {
  private static final double DEFAULT_SHARE = 0.05;

  @Mixin private ClassifierParameter model;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description =
          "The quantized model (default: MODEL's name with 'distiller', such as"
              + " model.distiller.onnx, in the current folder).")
  private @Nullable Path output;

  @Mixin private ForceOption force;

  @Mixin private JsonOption json;

  @Option(
      names = "--qe-stats-file",
      paramLabel = "FILE",
      description = "Take statistics from this YAML file, Distiller's or one of --save-stats.")
  private @Nullable Path statsFile;

  @Option(
      names = "--qe-calibration",
      paramLabel = "SHARE",
      description =
          "Collect statistics on this share of the training part, above 0 and up to 1 (default:"
              + " 0.05).")
  private @Nullable Double share;

  @Option(
      names = "--qe-dynamic",
      description =
          "Do without statistics: scales follow each batch, and sums stay float. This can be"
              + " simulated but not written.")
  private boolean dynamic;

  @Option(
      names = "--save-stats",
      paramLabel = "FILE",
      description = "Keep the statistics that were collected, for --qe-stats-file.")
  private @Nullable Path saveStats;

  @Mixin private SampleOptions data;

  @ArgGroup(validate = false, heading = "%nQuantizer:%n")
  private DistillerOptions options = new DistillerOptions();

  @ArgGroup(validate = false, heading = "%nSearch:%n")
  private LapqOptions search = new LapqOptions();

  @Mixin private RunnerOption runner;

  @Mixin private CommonOptions common;

  /** What a run came to. */
  private record Figures(
      Score floating,
      Score simulated,
      Lapq.@Nullable Result found,
      @Nullable Evaluation written,
      List<String> notes) {}

  @Override
  public Integer call() throws IOException {
    Console console = common.console();
    runner.apply();
    checkOptions();
    Path target = output != null ? output : model.named(".distiller.onnx");
    if (!dynamic) {
      force.check(target, model.file());
    }
    if (saveStats != null) {
      force.check(saveStats, model.file());
    }
    Path path = data.path();
    var floating = OnnxReader.read(model.file());
    DataSet samples = data.open(path, ModelInputs.of(floating.graph()), null, console);
    if (samples.sameSet()) {
      console.warn(
          "the model is judged on the samples that statistics come from; give data with a training"
              + " and a test part");
    }
    common.limitTorch();
    try (PostTrainClassifier run = new PostTrainClassifier(floating, samples, console.progress());
        StopAtInterrupt stop = new StopAtInterrupt(run::stop, this::kept, console)) {
      Figures figures = run(run, target, console);
      stop.written();
      console.print(json.isOn() ? toJson(figures, target) : table(figures, target));
    } catch (StoppedException e) {
      return ExitCode.INTERRUPTED; // which the user has been told already
    }
    return ExitCode.OK;
  }

  private void checkOptions() {
    Set<String> sources = new TreeSet<>();
    for (String option :
        List.of("--qe-stats-file", "--qe-calibration", "--qe-dynamic", "--qe-config-file")) {
      if (given(option)) {
        sources.add(option);
      }
    }
    // A file of settings may leave statistics to be collected.
    if (sources.size() > 1 && !sources.equals(Set.of("--qe-config-file", "--qe-calibration"))) {
      throw new OptionException(
          "of " + String.join(", ", sources) + " each says where statistics come from; keep one");
    }
    if (options.hasConfig()) {
      for (String option : DistillerOptions.NOT_WITH_CONFIG) {
        if (given(option)) {
          throw new OptionException(
              option + " is a setting, and --qe-config-file has them all; drop one of the two");
        }
      }
    }
    if (dynamic) {
      for (String option : List.of("--output", "--save-stats", "--qe-lapq")) {
        if (given(option)) {
          throw new OptionException(
              option + " needs statistics, and --qe-dynamic does without; drop one of the two");
        }
      }
    }
    checkSearch();
    if (saveStats != null && statsFile != null) {
      throw new OptionException(
          "--qe-stats-file leaves collecting out, so --save-stats has no effect; drop one");
    }
    if (share != null) {
      share("--qe-calibration", share);
    }
  }

  private void checkSearch() {
    if (search.isOn() && given("--qe-clip-acts")) {
      throw new OptionException(
          "--qe-lapq starts from what --lapq-init-mode says, not from --qe-clip-acts; drop one");
    }
    if (!search.isOn()) {
      for (OptionSpec option : parsed().matchedOptions()) {
        if (option.longestName().startsWith("--lapq-")) {
          throw new OptionException(
              option.longestName() + " is about a search for scales; add --qe-lapq");
        }
      }
    }
  }

  /** A share of samples, above 0 and up to 1. */
  static double share(String option, double value) {
    if (!(value > 0 && value <= 1)) {
      throw new OptionException(option, value, "choose more than 0 and at most 1");
    }
    return value;
  }

  private Figures run(PostTrainClassifier run, Path target, Console console) {
    PostTrainLinearQuantizer quantizer = quantizer(run);
    Score floating = run.judge("float model");
    usable(
        () -> {
          run.prepare(quantizer);
          return quantizer;
        });
    quantizer.warnings().forEach(console::warn);
    Lapq.Result found =
        search.isOn()
            ? usable(() -> run.search(quantizer, search.settings(), search.share()))
            : null;
    Score simulated = usable(() -> run.judge("quantized model"));
    Evaluation written = dynamic ? null : run.write(quantizer, target);
    List<String> notes = quantizer.conversionNotes();
    notes.stream().filter(note -> !quantizer.warnings().contains(note)).forEach(console::detail);
    return new Figures(floating, simulated, found, written, notes);
  }

  private PostTrainLinearQuantizer quantizer(PostTrainClassifier run) {
    PostTrainLinearQuantizer.Builder builder = usable(() -> options.builder(run.net()));
    if (search.isOn()) {
      search.settings();
      search.share();
      search.prepare(builder);
    }
    usable(builder::build); // before statistics, which take long
    if (saveStats != null && share == null && builder.hasModelActivationStats()) {
      throw new OptionException(
          "--qe-config-file names statistics, so --save-stats has no effect; drop it, or add"
              + " --qe-calibration");
    }
    if (statsFile != null) {
      Path file = statsFile;
      builder.modelActivationStats(usable(() -> ModelStats.read(file)));
    } else if (!dynamic && (share != null || !builder.hasModelActivationStats())) {
      ModelStats stats = run.statistics(share == null ? DEFAULT_SHARE : share);
      if (saveStats != null) {
        stats.write(saveStats);
      }
      builder.modelActivationStats(stats);
    }
    return builder.build();
  }

  /** What settings, overrides and statistics cannot be, the library says; the user can mend it. */
  private static <T> T usable(Supplier<T> work) {
    try {
      return work.get();
    } catch (IllegalArgumentException | ModuleException e) {
      OptionException told = new OptionException(String.valueOf(e.getMessage()));
      told.initCause(e);
      throw told;
    }
  }

  private String kept() {
    return saveStats != null && Files.exists(saveStats)
        ? "with --qe-stats-file " + saveStats + " its statistics need not be collected again"
        : "with --save-stats FILE, statistics are kept";
  }

  private String table(Figures figures, Path target) throws IOException {
    TextTable table =
        new TextTable(1)
            .row("", "top-1", "loss")
            .row(ClassifierFigures.row("float", figures.floating()))
            .row(ClassifierFigures.row("simulated", figures.simulated()));
    Evaluation written = figures.written();
    if (written != null) {
      table.row("written, as integers", ClassifierFigures.percent(written.value("top1")), "");
    }
    StringBuilder text = new StringBuilder(table.print());
    Lapq.Result found = figures.found();
    if (found != null) {
      text.append(
          String.format(
              Locale.ROOT,
              "search: loss %.4f, %.4f where it started, %.4f at its best of %d%n",
              found.startLoss(),
              found.initLoss(),
              found.bestLoss(),
              found.evaluations()));
    }
    if (written != null) {
      text.append(ClassifierFigures.line(written, Files.size(target), Files.size(model.file())));
      text.append(String.format(Locale.ROOT, "model: %s%n", target));
    }
    return text.toString();
  }

  private String toJson(Figures figures, Path target) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode();
    root.put("schemaVersion", 1);
    root.put("model", dynamic ? null : target.toString());
    root.set("float", mapper.valueToTree(figures.floating()));
    root.set("simulated", mapper.valueToTree(figures.simulated()));
    root.set("search", mapper.valueToTree(figures.found()));
    Evaluation written = figures.written();
    if (written != null) {
      ClassifierFigures.put(root, written, Files.size(target), Files.size(model.file()));
    }
    root.set("notes", mapper.valueToTree(figures.notes()));
    return root.toPrettyString();
  }
}
