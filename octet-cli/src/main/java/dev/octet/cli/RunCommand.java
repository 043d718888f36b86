package dev.octet.cli;

import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.data.NpyFile;
import dev.octet.quantize.report.TextTable;
import dev.octet.quantize.run.GraphRunner;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.quantize.run.Runner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code octet run}: arrays in, arrays out. */
@Command(
    name = "run",
    description = "Run a model once on arrays from .npy files.",
    footer = {
      "",
      "Examples:",
      "  octet run model.onnx --input x.npy                       what comes out, in short",
      "  octet run model.onnx --input x.npy --output y.npy",
      "  octet run bert.onnx --input ids=ids.npy --input mask=mask.npy --output logits=y.npy",
    })
final class RunCommand extends OctetCommand {
  @Parameters(paramLabel = "MODEL", description = "A float or quantized ONNX file.")
  private Path file;

  @Option(
      names = {"-i", "--input"},
      paramLabel = "[NAME=]FILE",
      description = "An array for an input; the name may be left out where there is one input.")
  private List<String> inputs = new ArrayList<>();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "[NAME=]FILE",
      description = {
        "Write an output, or any other tensor of the model by its name; the name may be left out"
            + " where there is one output.",
        "Without this, the range and the mean of each output are shown."
      })
  private List<String> outputs = new ArrayList<>();

  @Mixin private ForceOption force;

  @Mixin private RunnerOption runner;

  @Mixin private CommonOptions common;

  @Override
  public Integer call() throws IOException {
    Console console = common.console();
    runner.apply();
    Model model = OnnxReader.read(file);
    Graph graph = model.graph();
    List<String> inputNames = ModelInputs.of(graph).stream().map(ModelInput::name).toList();
    List<String> outputNames = graph.outputs().stream().map(Value::name).toList();
    Map<String, Path> targets = named("--output", outputs, outputNames, graph.values());
    for (Path target : targets.values()) {
      checkTarget(target);
    }
    Map<String, HostTensor> feeds = new LinkedHashMap<>();
    named("--input", inputs, inputNames, graph.inputs())
        .forEach((name, array) -> feeds.put(name, NpyFile.read(array)));

    Map<String, HostTensor> results = new LinkedHashMap<>();
    try (GraphRunner opened =
        Runner.openChosen(model, targets.isEmpty() ? outputNames : targets.keySet())) {
      opened.run(feeds, results::put);
    } catch (IllegalArgumentException e) { // the inputs do not fit the model
      throw new DataException(String.valueOf(e.getMessage()), e);
    }
    if (targets.isEmpty()) {
      console.print(table(results));
      return ExitCode.OK;
    }
    for (Map.Entry<String, Path> target : targets.entrySet()) {
      HostTensor result = results.get(target.getKey());
      if (result == null) {
        throw new IllegalStateException("the runner did not hand over '" + target.getKey() + "'");
      }
      NpyFile.write(target.getValue(), result);
      console.print(target.getKey() + ": " + result + " in " + target.getValue());
    }
    return ExitCode.OK;
  }

  /** Files by name; {@code only} are the names of which one may be left out. */
  private static Map<String, Path> named(
      String option, List<String> words, List<String> only, Collection<Value> all) {
    List<String> names = all.stream().map(Value::name).toList();
    Map<String, Path> files = new LinkedHashMap<>();
    for (String word : words) {
      // A name may itself hold an equals sign.
      String name =
          names.stream()
              .filter(known -> word.startsWith(known + "=") && word.length() > known.length() + 1)
              .max((a, b) -> Integer.compare(a.length(), b.length()))
              .orElse(null);
      String path = name == null ? word : word.substring(name.length() + 1);
      if (name == null) {
        int equals = word.indexOf('=');
        if (equals >= 0 && !Files.exists(Path.of(word))) {
          throw new OptionException(
              option
                  + ": the model has no "
                  + option.substring(2)
                  + " '"
                  + word.substring(0, equals)
                  + "'; it has "
                  + only);
        }
        if (only.size() != 1) {
          throw new OptionException(
              option + " " + word + " names none of " + only + "; write NAME=" + word);
        }
        name = only.get(0);
      }
      if (files.put(name, Path.of(path)) != null) {
        throw new OptionException(option + " is given twice for '" + name + "'; drop one");
      }
    }
    return files;
  }

  private void checkTarget(Path target) {
    ReportOptions.checkFolder(target);
    if (force.forbids(target)) {
      throw new OptionException("'" + target + "' exists; --force replaces it");
    }
  }

  private static String table(Map<String, HostTensor> results) {
    TextTable table = new TextTable(1).row("output", "type", "shape", "min", "mean", "max");
    results.forEach(
        (name, tensor) -> {
          double[] values = tensor.to(ElementType.FLOAT64).doubles();
          double min = Double.POSITIVE_INFINITY;
          double max = Double.NEGATIVE_INFINITY;
          double sum = 0;
          for (double value : values) { // a NaN anywhere shows in all three
            min = Math.min(min, value);
            max = Math.max(max, value);
            sum += value;
          }
          String shape = Arrays.toString(tensor.shape());
          if (values.length == 0) {
            table.row(name, tensor.type().toString(), shape, "", "", "");
          } else {
            table.row(
                name,
                tensor.type().toString(),
                shape,
                figure(min),
                figure(sum / values.length),
                figure(max));
          }
        });
    return table.print();
  }

  private static String figure(double value) {
    return String.format(Locale.ROOT, "%.6g", value);
  }
}
