package dev.octet.cli;

import dev.octet.graph.Graph;
import dev.octet.quantize.bench.ExampleInputs;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.ModelInput;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The shapes of inputs where a model leaves sizes open. */
final class ShapeOptions {
  private static final Pattern SIZES = Pattern.compile("(n|[1-9][0-9]{0,8})(x[1-9][0-9]{0,8})*");

  @Option(
      names = "--shape",
      paramLabel = "NAME=SHAPE",
      description =
          "The shape of an input, such as image=1x3x224x224; n is the batch size. Repeatable.")
  private List<String> shapes = new ArrayList<>();

  @Option(
      names = "--open-size",
      paramLabel = "N",
      description =
          "Open sizes other than the batch and the channels of images (default: 224 for images, 128"
              + " elsewhere).")
  private @Nullable Integer size;

  /** The shapes given, by name. */
  Map<String, List<Long>> given() {
    Map<String, List<Long>> given = new LinkedHashMap<>();
    for (String word : shapes) {
      int equals = word.lastIndexOf('=');
      String text = word.substring(equals + 1);
      if (equals < 1 || !SIZES.matcher(text).matches()) {
        throw new OptionException("--shape", word, "write NAME=SHAPE, such as image=1x3x224x224");
      }
      List<Long> sizes = new ArrayList<>();
      for (String one : text.split("x", -1)) {
        sizes.add(one.equals("n") ? ModelInput.DYNAMIC : Long.parseLong(one));
      }
      given.put(word.substring(0, equals), sizes);
    }
    return given;
  }

  /** Refuses shapes for inputs that no model has. */
  void check(Collection<String> inputs) {
    for (String name : given().keySet()) {
      if (!inputs.contains(name)) {
        throw new OptionException("--shape: there is no input '" + name + "'; there are " + inputs);
      }
    }
  }

  /** The shape of every input of {@code graph}. */
  Map<String, int[]> of(Graph graph, int batch) {
    if (size != null) {
      CountOption.check("--open-size", size);
    }
    return ExampleInputs.shapes(
        graph, given(), batch, size == null ? OptionalInt.empty() : OptionalInt.of(size));
  }

  /** Random tensors of these shapes. */
  Map<String, HostTensor> random(Graph graph, int batch) {
    return ExampleInputs.random(graph, of(graph, batch));
  }
}
