package dev.octet.bench.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octet.engine.Engine;
import dev.octet.engine.EngineOptions;
import dev.octet.graph.DataType;
import dev.octet.graph.Model;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.run.OnnxRuntimeRunner;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The networks are those of the papers, run, and keep their activations in range. */
class SuiteTest {
  private static final Network BERT = Suite.bert("bert-1", 1);

  private static Network network(String name) {
    return Suite.networks().stream()
        .filter(network -> network.name().equals(name))
        .findFirst()
        .orElse(BERT);
  }

  /**
   * torchvision's numbers of parameters, statistics of normalization left out; where normalization
   * is folded, less one for each of MobileNetV2's 17,056 channels; BERT-base's less 11 layers.
   */
  @ParameterizedTest
  @CsvSource({
    "resnet18, 11689512",
    "resnet50, 25557032",
    "mobilenetv2, 3487816",
    "squeezenet1_1, 1235496",
    "resnet20, 269722",
    "bert-1, 31515648"
  })
  void hasAsManyParametersAsThePublishedNetwork(String name, long parameters) {
    long count = 0;
    for (Value value : network(name).model().get().graph().values()) {
      Tensor tensor = value.constant();
      boolean learned =
          tensor != null && tensor.type() == DataType.FLOAT && !value.name().contains("running");
      count += learned && tensor.rank() > 0 ? tensor.elementCount() : 0;
    }
    assertThat(count).isEqualTo(parameters);
  }

  @ParameterizedTest
  @CsvSource({"resnet20", "mobilenetv2", "squeezenet1_1", "bert-1", "lstm"})
  void staysInRange(String name) {
    Network network = network(name);
    Map<String, HostTensor> outputs = run(network.model().get(), network);
    outputs.forEach(
        (output, tensor) -> assertThat(energy(tensor.floats())).as(output).isBetween(1e-3, 1e3));
  }

  /**
   * A plan may leave a layer to oneDNN's reference code, a hundred times slower; none here does.
   */
  @ParameterizedTest
  @CsvSource({"resnet20", "mobilenetv2", "squeezenet1_1"})
  void leavesNothingToReferenceCode(String name) {
    Network network = network(name);
    Map<String, long[]> shapes = new LinkedHashMap<>();
    network
        .sample()
        .apply(new Random(1))
        .forEach(
            (input, tensor) ->
                shapes.put(input, Arrays.stream(tensor.shape()).asLongStream().toArray()));
    EngineOptions one = EngineOptions.defaults().withThreads(1);
    try (Engine engine = Engine.load(network.model().get(), one)) {
      assertThat(engine.explain(shapes).toString()).doesNotContain(" ref");
    }
  }

  @Test
  void makesTheSameModelEveryTime() {
    Network network = network("resnet20");
    Map<String, Tensor> weights = weights(network.model().get());
    assertThat(weights).isNotEmpty().isEqualTo(weights(network.model().get()));
  }

  @Test
  void writesAnInt8ModelThatAnswersAsTheFloatModelDoes(@TempDir Path folder) {
    Network network = network("resnet20");
    Path real = folder.resolve("real.onnx");
    Path quantized = folder.resolve("int8.onnx");
    WriteModels.write(network, real, quantized);
    Model model = OnnxReader.read(quantized);
    assertThat(model.graph().nodes()).anyMatch(node -> node.is("QuantizeLinear"));
    float[] wanted = run(OnnxReader.read(real), network).get("output").floats();
    float[] made = run(model, network).get("output").floats();
    float[] error = new float[wanted.length];
    for (int i = 0; i < error.length; i++) {
      error[i] = made[i] - wanted[i];
    }
    assertThat(energy(error)).isLessThan(energy(wanted) / 100);
  }

  private static Map<String, HostTensor> run(Model model, Network network) {
    Map<String, HostTensor> outputs = new LinkedHashMap<>();
    try (OnnxRuntimeRunner runner = OnnxRuntimeRunner.open(model)) {
      runner.run(network.sample().apply(new Random(1)), outputs::put);
    }
    return outputs;
  }

  private static Map<String, Tensor> weights(Model model) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    for (Value value : model.graph().values()) {
      Tensor tensor = value.constant();
      if (tensor != null) {
        weights.put(value.name(), tensor);
      }
    }
    return weights;
  }

  /** The mean of the squares. */
  private static double energy(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return sum / values.length;
  }
}
