package dev.octet.torch.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.octet.torch.Scope;
import dev.octet.torch.Tensors;
import dev.octet.torch.Torch;
import dev.octet.torch.nn.Module;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The networks are torchvision's: names and shapes of the state in their order, and with the same
 * weights the same values behind every layer. The files are those of
 * tools/torchvision-models/golden.py.
 */
final class GoldenModelsTest {
  private static final int CLASSES = 1000;

  /** Of the root mean square of a tensor. */
  private static final double TOLERANCE = 1e-4;

  private static final Map<String, Supplier<Module>> NETWORKS =
      Map.ofEntries(
          Map.entry("resnet18", () -> ResNet.resnet18(CLASSES)),
          Map.entry("resnet50", () -> ResNet.resnet50(CLASSES)),
          Map.entry("resnext101_32x8d", () -> ResNet.resnext101(CLASSES, 32, 8)),
          Map.entry("resnext101_64x4d", () -> ResNet.resnext101(CLASSES, 64, 4)),
          Map.entry("mobilenet_v2", () -> MobileNetV2.builder(CLASSES).build()),
          Map.entry("mobilenet_v3_large", () -> MobileNetV3.large(CLASSES).build()),
          Map.entry(
              "mobilenet_v3_large-other",
              () ->
                  MobileNetV3.large(CLASSES)
                      .widthMult(0.75)
                      .reducedTail(true)
                      .dilated(true)
                      .build()),
          Map.entry("googlenet", () -> GoogLeNet.builder(CLASSES).build()),
          Map.entry(
              "googlenet-other",
              () ->
                  GoogLeNet.builder(CLASSES)
                      .auxLogits(false)
                      .transformInput(true)
                      .initWeights(false)
                      .build()),
          Map.entry("inception_v3", () -> InceptionV3.builder(CLASSES).build()),
          Map.entry(
              "inception_v3-other",
              () ->
                  InceptionV3.builder(CLASSES)
                      .auxLogits(false)
                      .transformInput(true)
                      .initWeights(false)
                      .build()),
          Map.entry("shufflenet_v2_x0_5", () -> ShuffleNetV2.x05(CLASSES)),
          Map.entry("shufflenet_v2_x1_0", () -> ShuffleNetV2.x10(CLASSES)),
          Map.entry("shufflenet_v2_x1_5", () -> ShuffleNetV2.x15(CLASSES)),
          Map.entry("shufflenet_v2_x2_0", () -> ShuffleNetV2.x20(CLASSES)));

  @ParameterizedTest
  @ValueSource(
      strings = {
        "resnet18",
        "resnet50",
        "resnext101_32x8d",
        "resnext101_64x4d",
        "mobilenet_v2",
        "mobilenet_v3_large",
        "mobilenet_v3_large-other",
        "googlenet",
        "googlenet-other",
        "inception_v3",
        "inception_v3-other",
        "shufflenet_v2_x0_5",
        "shufflenet_v2_x1_0",
        "shufflenet_v2_x1_5",
        "shufflenet_v2_x2_0"
      })
  void computesWhatTorchvisionsDoes(String name) throws Exception {
    JsonNode golden = read(name);
    try (Module net = Objects.requireNonNull(NETWORKS.get(name)).get();
        Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      assertThat(net.parameters().values().stream().mapToLong(Tensor::numel).sum())
          .isEqualTo(golden.get("parameters").asLong());
      assertThat(net.stateDict()).hasSize(golden.get("states").asInt());
      assertThat(digest(net)).as("names and shapes").isEqualTo(golden.get("digest").asText());

      Formula.fill(net);
      trainOutside(net);
      Map<String, List<Double>> errors = new LinkedHashMap<>();
      golden
          .get("layers")
          .properties()
          .forEach(
              layer ->
                  net.get(layer.getKey())
                      .afterForward(
                          (module, inputs, output) -> {
                            assertThat(errors.put(layer.getKey(), error(output, layer.getValue())))
                                .isNull();
                            return output;
                          }));
      List<Tensor> outputs = outputs(net, Formula.input(longs(golden.get("input"))));

      assertThat(outputs).hasSameSizeAs(golden.get("outputs"));
      for (int i = 0; i < outputs.size(); i++) {
        errors.put("output " + i, error(outputs.get(i), golden.get("outputs").get(i)));
      }
      assertThat(errors).hasSize(golden.get("layers").size() + outputs.size());
      assertThat(errors)
          .allSatisfy(
              (layer, each) ->
                  assertThat(each).allSatisfy(e -> assertThat(e).isLessThan(TOLERANCE)));
    }
  }

  /** The heads run in training alone; the layers stay as they are in eval. */
  private static void trainOutside(Module net) {
    net.train(true);
    net.children().values().forEach(Module::eval);
  }

  /** As torchvision orders them: the network's own, and then those of the heads from behind. */
  private static List<Tensor> outputs(Module net, Tensor images) {
    List<Tensor> outputs = new ArrayList<>();
    if (net instanceof GoogLeNet googLeNet) {
      GoogLeNetOutputs made = googLeNet.run(images);
      outputs.addAll(Arrays.asList(made.logits(), made.auxLogits2(), made.auxLogits1()));
    } else if (net instanceof InceptionV3 inception) {
      InceptionOutputs made = inception.run(images);
      outputs.addAll(Arrays.asList(made.logits(), made.auxLogits()));
    } else {
      outputs.add(net.call(images));
    }
    outputs.removeIf(Objects::isNull);
    return outputs;
  }

  /** How far the root mean square and the noted elements are off, in parts of the former. */
  private static List<Double> error(Tensor output, JsonNode noted) {
    assertThat(Tensors.shape(output)).containsExactly(longs(noted.get(0)));
    float[] values = Tensors.toFloats(output);
    double squares = 0;
    for (float value : values) {
      squares += (double) value * value;
    }
    double wanted = noted.get(1).asDouble();
    List<Double> errors = new ArrayList<>();
    errors.add(Math.abs(Math.sqrt(squares / values.length) / wanted - 1));
    int samples = noted.size() - 2;
    for (int i = 0; i < samples; i++) {
      double value = values[(int) (values.length * (2L * i + 1) / (2L * samples))];
      errors.add(Math.abs(value - noted.get(2 + i).asDouble()) / wanted);
    }
    return errors;
  }

  private static String digest(Module net) throws Exception {
    StringBuilder lines = new StringBuilder();
    net.stateDict()
        .forEach(
            (name, tensor) ->
                lines
                    .append(name)
                    .append(' ')
                    .append(Arrays.toString(Tensors.shape(tensor)))
                    .append('\n'));
    return HexFormat.of()
        .formatHex(
            MessageDigest.getInstance("SHA-256")
                .digest(lines.toString().getBytes(StandardCharsets.UTF_8)));
  }

  private static long[] longs(JsonNode numbers) {
    long[] values = new long[numbers.size()];
    Arrays.setAll(values, i -> numbers.get(i).asLong());
    return values;
  }

  private static JsonNode read(String name) throws IOException {
    try (InputStream in = GoldenModelsTest.class.getResourceAsStream(name + ".json")) {
      return new ObjectMapper().readTree(Objects.requireNonNull(in));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"googlenet", "inception_v3"})
  void headsCanBeDropped(String name) throws Exception {
    try (Module with = Objects.requireNonNull(NETWORKS.get(name)).get();
        Module without = Objects.requireNonNull(NETWORKS.get(name + "-other")).get();
        Torch.Switched noGrad = Torch.noGrad();
        Scope scope = Scope.open()) {
      Tensor images = Formula.input(1, 3, 75, 75);
      Formula.fill(with);
      with.eval();
      float[] before = Tensors.toFloats(with.call(images));
      for (int twice = 0; twice < 2; twice++) {
        if (with instanceof GoogLeNet googLeNet) {
          googLeNet.dropAuxLogits();
        } else if (with instanceof InceptionV3 inception) {
          inception.dropAuxLogits();
        }
      }
      assertThat(digest(with)).isEqualTo(digest(without));
      trainOutside(with);
      List<Tensor> outputs = outputs(with, images);
      assertThat(outputs).hasSize(1);
      assertThat(Tensors.toFloats(outputs.get(0))).containsExactly(before);
    }
  }
}
