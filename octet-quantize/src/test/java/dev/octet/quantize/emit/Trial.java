package dev.octet.quantize.emit;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Node;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.PostTraining;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.Sample;
import dev.octet.quantize.data.SampleIterator;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.metric.Difference;
import dev.octet.quantize.report.QuantizationReport;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** One float model and what a recipe makes of it, both run in ONNX Runtime on the same inputs. */
final class Trial {
  final Model exact;
  final Model quantized;
  final QuantizationReport report;
  final long bytesBefore;
  final long bytesAfter;

  private Trial(Path source, Path target, QuantizationReport report) throws IOException {
    this.exact = OnnxReader.read(source);
    this.quantized = OnnxReader.read(target);
    this.report = report;
    this.bytesBefore = Files.size(source);
    this.bytesAfter = Files.size(target);
  }

  static Trial of(Model model, String preset, Path folder) throws IOException {
    return of(model, Recipe.preset(preset), null, folder);
  }

  static Trial of(Model model, Recipe recipe, @Nullable Samples samples, Path folder)
      throws IOException {
    Path source = folder.resolve("model.onnx");
    Path target = folder.resolve("model." + recipe.name() + ".onnx");
    OnnxWriter.write(model, source);
    PostTraining run = PostTraining.of(source).recipe(recipe);
    return new Trial(source, target, (samples == null ? run : run.calibrate(samples)).save(target));
  }

  /** How near the outputs of the two models are on {@code inputs}. */
  Difference difference(Map<String, HostTensor> inputs) {
    Difference difference = new Difference();
    Map<String, HostTensor> expected = run(exact, inputs);
    run(quantized, inputs).forEach((name, value) -> difference.add(expected.get(name), value));
    return difference;
  }

  static Map<String, HostTensor> run(Model model, Map<String, HostTensor> inputs) {
    Map<String, HostTensor> outputs = new LinkedHashMap<>();
    try (OnnxRuntimeRunner runner = OnnxRuntimeRunner.open(model)) {
      runner.run(inputs, outputs::put);
    }
    return outputs;
  }

  /** The operators of the quantized model in order of computation. */
  List<String> operators() {
    return operators(quantized);
  }

  static List<String> operators(Model model) {
    return model.graph().nodes().stream().map(Node::op).toList();
  }

  /** The types of the initializers of more than {@code elements} elements. */
  List<DataType> storedTypes(long elements) {
    return quantized.graph().values().stream()
        .map(Value::initializer)
        .filter(tensor -> tensor != null && tensor.elementCount() > elements)
        .map(Tensor::type)
        .toList();
  }

  /** Normally distributed numbers. */
  static HostTensor noise(long seed, int... shape) {
    Random random = new Random(seed);
    HostTensor zeros = HostTensor.zeros(ElementType.FLOAT32, shape);
    float[] values = zeros.floats();
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return HostTensor.ofFloats(shape, values);
  }

  /** {@code count} samples of noise of {@code shape} for the model's only input. */
  static Samples noiseSamples(int count, int... shape) {
    List<Sample> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(Sample.of(noise(1000 + i, shape), OptionalInt.empty(), "noise " + i));
    }
    return new Samples() {
      @Override
      public SampleIterator iterator() {
        Iterator<Sample> each = all.iterator();
        return new SampleIterator() {
          @Override
          public boolean hasNext() {
            return each.hasNext();
          }

          @Override
          public Sample next() {
            return each.next();
          }

          @Override
          public void close() {}
        };
      }

      @Override
      public OptionalLong size() {
        return OptionalLong.of(all.size());
      }

      @Override
      public String description() {
        return count + " samples of noise";
      }
    };
  }
}
