package dev.octet.quantize.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.PostTraining;
import dev.octet.quantize.data.Batch;
import dev.octet.quantize.data.Batches;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.ReadAhead;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.testing.SharedFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The engine beside ONNX Runtime on real models and data; skipped where the shared models are not
 * present. Neither falls back on the other.
 */
class RunnersAgreeIT {
  private static final int SAMPLES = 1000;

  @TempDir Path folder;

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "resnet20-cifar10, cifar10",
    "mobilenetv2-cifar10, cifar10",
    "mnist-cnn, mnist",
    "sst2-transformer, sst2"
  })
  void floatOutputsAreTheSame(String name, String data) {
    Path source = SharedFolder.require("models/" + name + ".onnx");
    Likeness likeness = compare(OnnxReader.read(source), data);
    assertThat(likeness.worst()).as("largest difference by largest output").isLessThan(1e-4);
    assertThat(likeness.sameClass()).isEqualTo(likeness.samples());
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "resnet20-cifar10, cifar10",
    "mobilenetv2-cifar10, cifar10",
    "mnist-cnn, mnist",
    "sst2-transformer, sst2"
  })
  void integerModelsGiveTheSameClass(String name, String data) throws IOException {
    Path source = SharedFolder.require("models/" + name + ".onnx");
    Path target = folder.resolve(name + ".int8.onnx");
    PostTraining.of(source)
        .recipe(Recipe.int8())
        .calibrate(open(OnnxReader.read(source), data).calibration().limit(100))
        .save(target);
    Likeness likeness = compare(OnnxReader.read(target), data);
    assertThat(likeness.sameClass()).isGreaterThanOrEqualTo(likeness.samples() * 999 / 1000);
  }

  /**
   * @param worst the largest difference of an output, by the largest output of its batch
   */
  private record Likeness(int samples, int sameClass, double worst) {}

  private static Likeness compare(Model model, String data) {
    Samples samples = open(model, data).evaluation().limit(SAMPLES);
    int count = 0;
    int same = 0;
    double worst = 0;
    try (ModelRun engine = start(model, "engine");
        ModelRun runtime = start(model, "onnxruntime");
        ReadAhead batches = new ReadAhead(Batches.of(samples, engine.binding(), 50))) {
      while (batches.hasNext()) {
        Batch batch = batches.next();
        HostTensor ours = first(engine.run(batch));
        HostTensor theirs = first(runtime.run(batch));
        assertThat(ours.shape()).isEqualTo(theirs.shape());
        float[] a = ours.floats();
        float[] b = theirs.floats();
        int rows = ours.shape()[0];
        int width = a.length / rows;
        double largest = 0;
        double apart = 0;
        for (int i = 0; i < a.length; i++) {
          largest = Math.max(largest, Math.abs(b[i]));
          apart = Math.max(apart, Math.abs(a[i] - b[i]));
        }
        worst = Math.max(worst, apart / largest);
        for (int row = 0; row < rows; row++) {
          same += top(a, row * width, width) == top(b, row * width, width) ? 1 : 0;
        }
        count += rows;
      }
    }
    return new Likeness(count, same, worst);
  }

  private static ModelRun start(Model model, String runner) {
    String before = System.getProperty("octet.runner");
    System.setProperty("octet.runner", runner);
    try {
      return ModelRun.open(model, List.of());
    } finally {
      if (before == null) {
        System.clearProperty("octet.runner");
      } else {
        System.setProperty("octet.runner", before);
      }
    }
  }

  private static DataSet open(Model model, String data) {
    return Samples.open(
        SharedFolder.require("data/" + data),
        ModelInputs.of(model.graph()),
        SamplesOptions.defaults());
  }

  private static HostTensor first(Map<String, HostTensor> outputs) {
    return outputs.values().iterator().next();
  }

  private static int top(float[] values, int from, int width) {
    int best = from;
    for (int i = from + 1; i < from + width; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best - from;
  }
}
