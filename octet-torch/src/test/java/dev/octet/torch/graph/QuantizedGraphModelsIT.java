package dev.octet.torch.graph;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.Batch;
import dev.octet.quantize.data.Batches;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import dev.octet.testing.SharedFolder;
import dev.octet.torch.LayerByLayer;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.graph.QuantizedGraph.BatchNorms;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Real models, calibrated but not trained, against the integer models that they become: the same
 * bits where LibTorch computes those, and the same answers in ONNX Runtime, whose sums round
 * differently. Skipped where the models are not present.
 */
class QuantizedGraphModelsIT {
  private static final int JUDGED = 500;

  @ParameterizedTest
  @CsvSource({
    "resnet20-cifar10, int8, FOLDED",
    "resnet20-cifar10, w4a8-channel, FOLDED",
    "mobilenetv2-cifar10, int8, FOLDED",
    "mobilenetv2-cifar10, int8, SIMULATED"
  })
  void agreesWithItsIntegerModel(String name, String recipe, BatchNorms norms) {
    Model model = OnnxReader.read(SharedFolder.require("models/" + name + ".onnx"));
    var data =
        Samples.open(
            SharedFolder.require("data/cifar10"),
            ModelInputs.of(model.graph()),
            SamplesOptions.defaults());
    int same = 0;
    try (QuantizedGraph net = QuantizedGraph.of(model, Recipe.preset(recipe), norms)) {
      net.calibrate(data.calibration().limit(50));
      net.eval();
      Model integers = net.toQuantizedModel();
      try (OnnxRuntimeRunner runner = OnnxRuntimeRunner.open(integers);
          TorchGraph back = recipe.equals("int8") ? TorchGraph.of(integers) : null;
          Batches batches =
              Batches.of(
                  data.evaluation().limit(JUDGED),
                  InputBinding.of(ModelInputs.of(model.graph())),
                  50);
          Torch.Switched noGrad = Torch.noGrad()) {
        while (batches.hasNext()) {
          Batch batch = batches.next();
          Map<String, HostTensor> outputs = new LinkedHashMap<>();
          runner.run(batch.feeds(), outputs::put);
          try (Scope scope = Scope.open()) {
            var inputs = OrtAgreement.tensors(batch.feeds());
            float[] actual = Tensors.toFloats(net.run(inputs).get("output"));
            if (back != null) { // 4-bit integers are not known there
              back.eval();
              assertThat(actual).isEqualTo(Tensors.toFloats(back.run(inputs).get("output")));
            }
            same += sameAnswers(outputs.get("output").floats(), actual);
          }
        }
      }
    }
    assertThat(same).isGreaterThanOrEqualTo((int) (0.998 * JUDGED));
  }

  @ParameterizedTest
  @CsvSource({"int8", "w4a8-channel"})
  void everyLayerIsWithinOneQuantumOfTheRuntimes(String recipe) {
    Model model = OnnxReader.read(SharedFolder.require("models/resnet20-cifar10.onnx"));
    var data =
        Samples.open(
            SharedFolder.require("data/cifar10"),
            ModelInputs.of(model.graph()),
            SamplesOptions.defaults());
    try (QuantizedGraph net = QuantizedGraph.of(model, Recipe.preset(recipe), BatchNorms.FOLDED);
        Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      net.calibrate(data.calibration().limit(20));
      net.eval();
      Model export = net.toQuantizedModel();
      Map<String, HostTensor> images =
          Batches.of(data.evaluation().limit(8), InputBinding.of(ModelInputs.of(model.graph())), 8)
              .next()
              .feeds();
      try (LayerByLayer layers = new LayerByLayer(export, images)) {
        net.activationQuantizers()
            .forEach(
                (name, quantizer) ->
                    layers.watch(quantizer, LayerByLayer.resultsWithScale(export, name + "_s")));
        net.run(OrtAgreement.tensors(images));
        layers.assertWithinOneQuantum();
      }
    }
  }

  private static int sameAnswers(float[] expected, float[] actual) {
    int same = 0;
    for (int i = 0; i < expected.length; i += 10) {
      same += top(expected, i) == top(actual, i) ? 1 : 0;
    }
    return same;
  }

  private static int top(float[] scores, int from) {
    int best = from;
    for (int i = from; i < from + 10; i++) {
      best = scores[i] > scores[best] ? i : best;
    }
    return best - from;
  }
}
