package dev.octet.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.quantize.evaluate.Evaluation;
import dev.octet.quantize.metric.Metric;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.testing.SharedFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The defaults on real models, held against the best rows of ONNX Runtime's quantizer in the
 * models' README: at least its agreement and SQNR, on a part of the test set, with fewer
 * calibration samples where that takes long. Skipped where the models are not present.
 */
class SharedModelsIT {
  @TempDir Path folder;

  /** What came out: percent, decibels, bytes. */
  private record Outcome(double agreement, double sqnr, long bytes) {}

  @Test
  void mnistCnn() throws IOException {
    Outcome is = quantize("mnist-cnn", "mnist", "int8", 500, 2000);
    assertThat(is.agreement()).isGreaterThanOrEqualTo(99.9);
    assertThat(is.sqnr()).isGreaterThanOrEqualTo(44.5);
    assertThat(is.bytes()).isLessThanOrEqualTo(29_185);
  }

  @Test
  void resnet20() throws IOException {
    Outcome is = quantize("resnet20-cifar10", "cifar10", "int8", 500, 2000);
    assertThat(is.agreement()).isGreaterThanOrEqualTo(97.5); // 0.3 points noise on 2000
    assertThat(is.sqnr()).isGreaterThanOrEqualTo(28.2);
    assertThat(is.bytes()).isLessThanOrEqualTo(338_373);
  }

  @Test
  void mobilenetV2() throws IOException {
    Outcome is = quantize("mobilenetv2-cifar10", "cifar10", "int8", 500, 2000);
    assertThat(is.agreement()).isGreaterThanOrEqualTo(98);
    assertThat(is.sqnr()).isGreaterThanOrEqualTo(31.5);
    assertThat(is.bytes()).isLessThanOrEqualTo(436_362);
  }

  @Test
  void squeezenet() throws IOException {
    Outcome is = quantize("squeezenet1_1-imagenet", "imagenet", "int8", 50, 30);
    assertThat(is.sqnr()).isGreaterThanOrEqualTo(31.4);
    assertThat(is.bytes()).isLessThanOrEqualTo(1_350_613);
  }

  @Test
  void theTransformerSurvivesItsAttentionMask() throws IOException {
    Outcome is = quantize("sst2-transformer", "sst2", "int8", 200, 900);
    assertThat(is.agreement()).isGreaterThanOrEqualTo(99.7);
    assertThat(is.sqnr()).isGreaterThanOrEqualTo(38);
    assertThat(is.bytes()).isLessThanOrEqualTo(2_000_000);
  }

  @Test
  void theSpeechModelSurvivesItsRecurrence() throws IOException {
    Outcome is = quantize("dtln-1", "audio", "int8", 97, 97);
    assertThat(is.sqnr()).isGreaterThanOrEqualTo(30);
    assertThat(is.bytes()).isLessThanOrEqualTo(500_000);
  }

  @ParameterizedTest
  @CsvSource({
    "mnist-cnn, mnist, 200, 1000, 25.6",
    "resnet20-cifar10, cifar10, 100, 300, 10.5",
    "mobilenetv2-cifar10, cifar10, 100, 300, 12.7",
    "squeezenet1_1-imagenet, imagenet, 20, 15, 13.8",
    "sst2-transformer, sst2, 100, 300, 33.1",
    "dtln-1, audio, 97, 97, 9.4"
  })
  void fourBitWeightsAreBetterThanBothPeerRows(
      String model, String data, int calibrated, int judged, double peer) throws IOException {
    assertThat(quantize(model, data, "w4a8", calibrated, judged).sqnr()).isGreaterThan(peer);
  }

  private Outcome quantize(String name, String data, String preset, int calibrated, int judged)
      throws IOException {
    Path model = SharedFolder.require("models/" + name + ".onnx");
    Path samples = SharedFolder.require("data/" + data);
    Recipe recipe = Recipe.preset(preset);
    DataSet set =
        Samples.open(
            samples, ModelInputs.of(OnnxReader.read(model).graph()), SamplesOptions.defaults());
    Path target = folder.resolve("quantized.onnx");
    Samples calibration =
        set.sameSet() ? set.calibration().spread(calibrated) : set.calibration().limit(calibrated);
    PostTraining.of(model).recipe(recipe).calibrate(calibration).save(target);
    Samples test = set.sameSet() ? set.evaluation().spread(judged) : set.evaluation().limit(judged);
    Evaluation judgement =
        Evaluation.run(
            OnnxReader.read(target),
            OnnxReader.read(model),
            test,
            50,
            List.of(Metric.agreement(), Metric.sqnr()),
            Progress.SILENT);
    return new Outcome(
        100 * judgement.value("agreement"), judgement.value("sqnr"), Files.size(target));
  }
}
