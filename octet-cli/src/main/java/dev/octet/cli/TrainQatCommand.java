package dev.octet.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.octet.core.recipe.Mode;
import dev.octet.core.recipe.Recipe;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.report.TextTable;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.torch.data.Augmentation;
import dev.octet.torch.qat.FineTuning;
import dev.octet.torch.qat.SettingsException;
import dev.octet.torch.train.EpochResult;
import dev.octet.torch.train.Score;
import dev.octet.torch.train.StoppedException;
import dev.octet.torch.train.TrainingListener;
import dev.octet.torch.train.events.EventWriter;
import dev.octet.workflows.distiller.schedule.Schedule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code octet train-qat}: a float classifier and labelled samples in, a trained integer model out.
 */
@Command(
    name = "train-qat",
    description = {
      "Fine-tune an ONNX classifier with quantization simulated, and write the quantized model.",
      "For when quantization after training costs too much accuracy: it takes labelled samples"
          + " and passes over them."
    },
    footer = {
      "",
      "Examples:",
      "  octet train-qat model.onnx --data cifar10/",
      "  octet train-qat model.onnx --data cifar10/ --recipe w4a8-channel --epochs 3",
      "  octet train-qat model.onnx --data photos/ --weight-bits 4 \\",
      "    --activation-bits 4 --learn-ranges --distill 0.5 --epochs 5",
      "  octet train-qat model.onnx --data cifar10/ --schedule dorefa.yaml",
    })
final class TrainQatCommand extends OctetCommand {
  /** What a schedule says itself, or leaves no room for. */
  private static final List<String> NOT_WITH_SCHEDULE =
      List.of(
          "--recipe",
          "--mode",
          "--format",
          "--target",
          "--weight-bits",
          "--activation-bits",
          "--weight-method",
          "--activation-method",
          "--granularity",
          "--per-tensor",
          "--bias-correction",
          "--equalize",
          "--smooth-quant",
          "--float",
          "--only-operators",
          "--samples",
          "--batch",
          "--learn-ranges",
          "--distill",
          "--temperature",
          "--batch-norm",
          "--freeze-batch-norm");

  @Mixin private ClassifierParameter model;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description =
          "The quantized model (default: MODEL's name with the recipe's or schedule's, such as"
              + " model.int8.qat.onnx, in the current folder).")
  private @Nullable Path output;

  @Mixin private ForceOption force;

  @Mixin private JsonOption json;

  @Option(
      names = "--min-top1",
      paramLabel = "PERCENT",
      description = "End with 1 if the written model's top-1 accuracy is lower.")
  private @Nullable Double minTop1;

  @Option(
      names = "--schedule",
      paramLabel = "FILE",
      description =
          "Quantize and prune as this compression schedule says (Distiller's YAML: quantizers,"
              + " pruners, lr_schedulers, policies), instead of a recipe. It trains as many epochs"
              + " as its policies reach to, unless --epochs says otherwise.")
  private @Nullable Path schedule;

  @Mixin private SampleOptions data;

  @ArgGroup(validate = false, heading = "%nRecipe:%n")
  private RecipeOptions recipes = new RecipeOptions();

  @ArgGroup(validate = false, heading = "%nTraining:%n")
  private TrainingOptions training = new TrainingOptions();

  @Mixin private RunnerOption runner;

  @Mixin private CommonOptions common;

  @Override
  public Integer call() throws IOException {
    Console console = common.console();
    runner.apply();
    Schedule scheduled = schedule();
    Recipe recipe = recipes.recipe();
    if (scheduled == null) {
      checkRecipe(recipe);
    }
    Path target = output != null ? output : defaultOutput(recipe);
    force.check(target, model.file());
    FineTuning tuning = FineTuning.of(model.file()).recipe(recipe).progress(console.progress());
    training.applyTo(tuning);
    if (scheduled != null) {
      tuning.scheme(scheduled.scheme(), console::warn);
      if (!given("--epochs")) {
        tuning.epochs(scheduled.epochs());
      }
    }
    Path path = data.path();
    List<ModelInput> inputs = ModelInputs.of(OnnxReader.read(model.file()).graph());
    if (training.augments()) {
      tuning.augment(augmentation(inputs));
    }
    DataSet samples = samples(path, inputs, recipe, console);
    common.limitTorch();
    Path checkpoint = training.checkpoint();
    if (checkpoint != null && Files.exists(checkpoint)) {
      console.note("carrying on the training kept in '" + checkpoint + "'");
    }
    FineTuning.Result result;
    try (StopAtInterrupt stop = new StopAtInterrupt(tuning::stop, training::kept, console);
        Watcher watcher = new Watcher(console, training.tensorboard())) {
      result = save(tuning.listener(watcher), samples, target);
      stop.written();
    } catch (StoppedException e) {
      return ExitCode.INTERRUPTED; // which the user has been told already
    }
    console.print(json.isOn() ? toJson(result, target) : table(result));
    if (!json.isOn()) {
      console.print("model: " + target);
    }
    return judge(result, console);
  }

  private @Nullable Schedule schedule() {
    if (schedule == null) {
      return null;
    }
    for (String option : NOT_WITH_SCHEDULE) {
      if (given(option)) {
        throw new OptionException(
            option
                + " is about recipes, and --schedule says how to quantize instead; drop one of the"
                + " two");
      }
    }
    Schedule read = Schedule.load(schedule);
    if (read.epochs() == 0) {
      throw new OptionException(
          "'" + schedule + "' has no policies, so nothing would be done; add some");
    }
    return read;
  }

  private void checkRecipe(Recipe recipe) {
    if (recipe.mode() != Mode.STATIC && recipe.mode() != Mode.WEIGHT_ONLY) {
      throw new OptionException(
          "training needs ranges that stay, and recipe '"
              + recipe.name()
              + "' is of mode "
              + EnumWords.of(recipe.mode())
              + "; choose a static or a weight-only one");
    }
    if (recipe.crossLayerEqualization() || recipe.smoothQuant() != null) {
      throw new OptionException(
          "training does what --equalize and --smooth-quant are for, and recipe '"
              + recipe.name()
              + "' has one of them; leave it out");
    }
    if (training.learnsRanges() && recipe.mode() == Mode.WEIGHT_ONLY) {
      throw new OptionException(
          "--learn-ranges is about activations, which recipe '"
              + recipe.name()
              + "' leaves in float; drop one of the two");
    }
  }

  private DataSet samples(Path path, List<ModelInput> inputs, Recipe recipe, Console console) {
    DataSet found = data.open(path, inputs, recipe.preprocessing(), console);
    if (found.sameSet()) {
      console.warn(
          "the model is judged on the samples that it is trained on: the accuracy tells nothing of"
              + " others; give data with a training and a test part");
    }
    return found;
  }

  private Augmentation augmentation(List<ModelInput> inputs) {
    List<Long> shape = inputs.get(0).dims();
    int height = shape.size() == 4 ? Math.toIntExact(shape.get(2)) : -1;
    int width = shape.size() == 4 ? Math.toIntExact(shape.get(3)) : -1;
    Augmentation found = height > 0 && width > 0 ? training.augmentation(height, width) : null;
    if (found == null) {
      throw new OptionException(
          "--augment changes images of a known size, [n, channels, height, width]; the model's first"
              + " input is "
              + inputs.get(0));
    }
    return found;
  }

  // What a model insists on, the library knows better than any check made here.
  private static FineTuning.Result save(FineTuning tuning, DataSet samples, Path target) {
    try {
      return tuning.save(samples, target);
    } catch (SettingsException e) {
      OptionException told = new OptionException(String.valueOf(e.getMessage()));
      told.initCause(e);
      throw told;
    }
  }

  private Path defaultOutput(Recipe recipe) {
    String how =
        schedule == null
            ? recipe.name()
            : String.valueOf(schedule.getFileName()).replaceFirst("\\.ya?ml$", "");
    return model.named("." + how + ".qat.onnx");
  }

  private int judge(FineTuning.Result result, Console console) {
    if (minTop1 == null) {
      return ExitCode.OK;
    }
    double percent = 100 * result.after().value("top1");
    if (percent >= minTop1) {
      return ExitCode.OK;
    }
    console.complain(
        String.format(Locale.ROOT, "top1 is %.2f %%, below --min-top1 %s", percent, minTop1));
    return ExitCode.BELOW_TARGET;
  }

  private static String table(FineTuning.Result result) {
    TextTable table = new TextTable(1).row("", "top-1", "loss");
    row(table, "float", result.floating());
    row(table, "calibrated", result.before());
    for (EpochResult epoch : result.epochs()) {
      if (epoch.validation() != null) {
        row(table, "epoch " + epoch.epoch(), epoch.validation());
      }
    }
    table.row(
        "written, in ONNX Runtime", ClassifierFigures.percent(result.after().value("top1")), "");
    return table.print()
        + ClassifierFigures.line(result.after(), result.bytes(), result.floatBytes());
  }

  private static void row(TextTable table, String name, @Nullable Score score) {
    if (score == null) {
      return;
    }
    table.row(ClassifierFigures.row(name, score));
  }

  private static String toJson(FineTuning.Result result, Path target) {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode();
    root.put("schemaVersion", 1);
    root.put("model", target.toString());
    root.set("float", mapper.valueToTree(result.floating()));
    root.set("calibrated", mapper.valueToTree(result.before()));
    root.set("epochs", mapper.valueToTree(result.epochs()));
    ClassifierFigures.put(root, result.after(), result.bytes(), result.floatBytes());
    return root.toPrettyString();
  }

  /** Tells what each epoch came to, on the console and to TensorBoard. */
  private static final class Watcher implements TrainingListener, AutoCloseable {
    private final Console console;
    private final @Nullable EventWriter events;

    Watcher(Console console, @Nullable Path folder) {
      this.console = console;
      events = folder == null ? null : EventWriter.open(folder);
    }

    @Override
    public void onStep(int epoch, int step, int steps, double loss) {
      if (events != null) {
        // Not counted from here, so that a run that carries on writes on where it was cut off.
        events.scalar("loss/step", loss, (long) epoch * steps + step);
      }
    }

    @Override
    public void onEpoch(EpochResult result) {
      Score validation = result.validation();
      console.note(
          String.format(
              Locale.ROOT,
              "epoch %d: loss %.4f, accuracy %.2f %%%s, %.0f samples/s",
              result.epoch(),
              result.training().loss(),
              100 * result.training().accuracy(),
              validation == null
                  ? ""
                  : String.format(Locale.ROOT, ", held out %.2f %%", 100 * validation.accuracy()),
              result.throughput()));
      if (events != null) {
        events.scalar("loss/train", result.training().loss(), result.epoch());
        events.scalar("accuracy/train", result.training().accuracy(), result.epoch());
        if (validation != null) {
          events.scalar("loss/held out", validation.loss(), result.epoch());
          events.scalar("accuracy/held out", validation.accuracy(), result.epoch());
        }
        events.flush();
      }
    }

    @Override
    public void close() {
      if (events != null) {
        events.close();
      }
    }
  }
}
