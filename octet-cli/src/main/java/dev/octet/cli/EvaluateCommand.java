package dev.octet.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.evaluate.Evaluation;
import dev.octet.quantize.metric.Metric;
import dev.octet.quantize.metric.Score;
import dev.octet.quantize.report.TextTable;
import dev.octet.quantize.run.ModelInputs;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code octet evaluate}: how good a model is on labelled samples, or beside its float form. */
@Command(
    name = "evaluate",
    description = "Measure a model: accuracy on labels, and likeness to its float form.",
    footer = {
      "",
      "Examples:",
      "  octet evaluate model.int8.onnx --data labelled/",
      "  octet evaluate model.int8.onnx --data labelled/ --reference model.onnx --min-top1 75",
    })
final class EvaluateCommand extends OctetCommand {
  @Parameters(paramLabel = "MODEL", description = "The model to measure.")
  private Path model;

  @Option(
      names = "--reference",
      paramLabel = "FLOAT",
      description = "Its float form: adds agreement, SQNR, cosine and largest error.")
  private @Nullable Path reference;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Samples in a batch, where the model leaves that open (default: 8).")
  private int batch = 8;

  @Mixin private JsonOption json;

  @Option(
      names = "--min-top1",
      paramLabel = "PERCENT",
      description = "End with 1 if top-1 accuracy is lower.")
  private @Nullable Double minTop1;

  @Option(
      names = "--min-agreement",
      paramLabel = "PERCENT",
      description = "End with 1 if fewer samples get the float model's class.")
  private @Nullable Double minAgreement;

  @Mixin private SampleOptions data;

  @Mixin private RunnerOption runner;

  @Mixin private CommonOptions common;

  @Override
  public Integer call() {
    Console console = common.console();
    runner.apply();
    CountOption.check("--batch", batch);
    if (minAgreement != null && reference == null) {
      throw new OptionException("--min-agreement needs the float model; add --reference FLOAT");
    }
    Path path = data.path();
    Model tested = OnnxReader.read(model);
    Model exact = reference == null ? null : OnnxReader.read(reference);
    Samples samples = data.open(path, ModelInputs.of(tested.graph()), null, console).evaluation();
    Evaluation evaluation =
        Evaluation.run(tested, exact, samples, batch, Metric.standard(), console.progress());
    if (evaluation.scores().isEmpty()) {
      console.warn("there is nothing to measure by: the samples have no labels; add --reference");
    }
    console.print(json.isOn() ? toJson(samples, evaluation) : table(samples, evaluation));
    boolean accurate = reaches(evaluation, "top1", minTop1, "--min-top1", console);
    boolean alike = reaches(evaluation, "agreement", minAgreement, "--min-agreement", console);
    return accurate && alike ? ExitCode.OK : ExitCode.BELOW_TARGET;
  }

  private String table(Samples samples, Evaluation evaluation) {
    TextTable table =
        reference == null
            ? new TextTable(1).row("metric", "value")
            : new TextTable(1).row("metric", "value", "float model");
    for (Score score : evaluation.scores()) {
      String name = score.metric() + outputOf(score, evaluation);
      Score own = own(score, evaluation.referenceScores());
      table.row(name, score.text(), own == null ? "" : own.text());
    }
    return "%s on %d samples of %s%n%s"
        .formatted(model.getFileName(), evaluation.samples(), samples.description(), table.print());
  }

  /** The name of the output, where figures of several outputs have to be told apart. */
  private static String outputOf(Score score, Evaluation evaluation) {
    boolean several = evaluation.scores().stream().map(Score::output).distinct().count() > 1;
    return several ? " of " + score.output() : "";
  }

  private static @Nullable Score own(Score score, List<Score> others) {
    return others.stream()
        .filter(
            other -> other.metric().equals(score.metric()) && other.output().equals(score.output()))
        .findFirst()
        .orElse(null);
  }

  private static boolean reaches(
      Evaluation evaluation,
      String metric,
      @Nullable Double floor,
      String option,
      Console console) {
    if (floor == null) {
      return true;
    }
    double percent = 100 * evaluation.value(metric);
    if (Double.isNaN(percent)) {
      console.complain(option + " cannot be judged: " + metric + " was not measured");
      return false;
    }
    if (percent < floor) {
      console.complain(
          String.format(Locale.ROOT, "%s is %.2f %%, below %s %s", metric, percent, option, floor));
      return false;
    }
    return true;
  }

  private String toJson(Samples samples, Evaluation evaluation) {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode();
    root.put("schemaVersion", 1);
    root.put("model", String.valueOf(model.getFileName()));
    root.put("reference", reference == null ? null : String.valueOf(reference.getFileName()));
    root.put("data", samples.description());
    root.put("samples", evaluation.samples());
    fill(root.putArray("scores"), evaluation.scores());
    fill(root.putArray("referenceScores"), evaluation.referenceScores());
    return root.toPrettyString();
  }

  /** Shares are from 0 to 1 here, as in the library. JSON has no infinity, so it is a string. */
  private static void fill(ArrayNode array, List<Score> scores) {
    for (Score score : scores) {
      ObjectNode node = array.addObject();
      node.put("metric", score.metric());
      node.put("output", score.output());
      if (Double.isInfinite(score.value())) {
        node.put("value", Double.toString(score.value()));
      } else {
        node.put("value", score.value());
      }
      node.put("unit", EnumWords.of(score.unit()));
      node.put("count", score.count());
      node.put("nonFinite", score.nonFinite());
    }
  }
}
