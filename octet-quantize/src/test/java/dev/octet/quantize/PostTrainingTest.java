package dev.octet.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Node;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.Sample;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.quantize.fixture.Net;
import dev.octet.quantize.fixture.TestSamples;
import dev.octet.quantize.report.MetricResult;
import dev.octet.quantize.report.QuantizationReport;
import dev.octet.quantize.report.TensorReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole way on the model that ships with Octet. */
class PostTrainingTest {
  @TempDir Path folder;

  @Test
  void theDemoModelShrinksAndAgreesWithItsFloatSelf() throws IOException {
    Path model = demo();
    Path target = folder.resolve("int8.onnx");
    QuantizationReport report =
        PostTraining.of(model)
            .calibrate(images(DemoImages.CALIBRATION_SEED, 300))
            .evaluate(images(DemoImages.EVALUATION_SEED, 500))
            .save(target);

    assertThat(figure(report, "agreement")).isGreaterThanOrEqualTo(98);
    assertThat(figure(report, "top1")).isGreaterThan(92);
    assertThat(report.outputs())
        .singleElement()
        .satisfies(o -> assertThat(o.sqnrDb()).isGreaterThan(20));
    assertThat(Files.size(target)).isLessThanOrEqualTo((long) (0.43 * Files.size(model)));
    assertThat(report.size().bytesAfter()).isEqualTo(Files.size(target));
    assertThat(report.size().bytesBefore()).isEqualTo(Files.size(model));
    assertThat(report.data().calibration().samples()).isEqualTo(300);
    assertThat(report.data().evaluation().samples()).isEqualTo(500);
    assertEveryNodeOfTheFileIsAccountedFor(report, target);
    assertThat(report.tensors())
        .allSatisfy(
            tensor -> {
              assertThat(tensor.observed()).as(tensor.name()).isNotNull();
              assertThat(tensor.sqnrDb()).as(tensor.name()).isGreaterThan(15);
            });
    assertThat(report.tensors())
        .filteredOn(tensor -> tensor.role() == TensorReport.Role.ACTIVATION)
        .allSatisfy(tensor -> assertThat(tensor.histogram()).isNotNull());
    assertThat(report.stages()).extracting(stage -> stage.name()).contains("calibrate", "evaluate");
    assertThat(QuantizationReport.fromJson(report.toJson())).isEqualTo(report);
    assertThat(report.summary()).isNotBlank();
  }

  @Test
  void aModelWithNothingToQuantizeSaysSoAndWritesNothing() throws IOException {
    Net net = Net.create();
    Path model = folder.resolve("float.onnx");
    OnnxWriter.write(
        net.returns(2, net.node("Softmax", "y", net.input("x", -1, 3))).model(), model);
    Path target = folder.resolve("int8.onnx");

    assertThatThrownBy(() -> PostTraining.of(model).save(target))
        .isInstanceOf(NothingToQuantizeException.class)
        .hasMessageContaining("'" + model + "'")
        .hasMessageContaining("softmax");
    assertThat(target).doesNotExist();
  }

  @Test
  void aRecipeThatLeavesEverythingInFloatSaysSo() throws IOException {
    Path model = demo();
    Recipe recipe = Recipe.int8().toBuilder().operators(java.util.Set.of("LSTM")).build();

    assertThatThrownBy(
            () -> PostTraining.of(model).recipe(recipe).save(folder.resolve("int8.onnx")))
        .isInstanceOf(NothingToQuantizeException.class)
        .hasMessageContaining("the recipe quantizes LSTM only");
  }

  @Test
  void aFailingEvaluationLeavesNoFile() throws IOException {
    Path model = demo();
    Path target = folder.resolve("int8.onnx");
    Samples broken =
        TestSamples.of(
            "broken",
            5,
            i -> {
              throw new IllegalStateException("disk gone");
            });
    PostTraining run =
        PostTraining.of(model).calibrate(images(DemoImages.CALIBRATION_SEED, 4)).evaluate(broken);

    assertThatThrownBy(() -> run.save(target)).hasMessage("disk gone");
    assertThat(folder.toFile().list()).containsExactly("demo.onnx");
  }

  @Test
  void oneSetForBothIsSaidInTheReport() throws IOException {
    Samples both = images(DemoImages.CALIBRATION_SEED, 8);
    QuantizationReport report =
        PostTraining.of(demo())
            .calibrate(both)
            .evaluate(both)
            .sameSet(true)
            .save(folder.resolve("int8.onnx"));

    assertThat(report.data().sameSetForBoth()).isTrue();
    assertThat(report.allWarnings()).isNotEmpty();
  }

  @Test
  void theSameRunGivesTheSameBytes() throws IOException {
    Path model = demo();
    Path one = folder.resolve("one.onnx");
    Path two = folder.resolve("two.onnx");
    PostTraining.of(model).calibrate(images(DemoImages.CALIBRATION_SEED, 20)).save(one);
    PostTraining.of(model).calibrate(images(DemoImages.CALIBRATION_SEED, 20)).save(two);

    assertThat(one).hasSameBinaryContentAs(two);
  }

  private static void assertEveryNodeOfTheFileIsAccountedFor(
      QuantizationReport report, Path target) {
    for (Node node : OnnxReader.read(target).graph().nodes()) {
      if (!node.op().endsWith("Linear") && !isWeightReshape(node)) {
        assertThat(report.layers())
            .as(node.label())
            .anySatisfy(
                layer -> {
                  assertThat(layer.node()).isEqualTo(node.label());
                  assertThat(layer.quantized() || !layer.floatReason().isBlank()).isTrue();
                });
      }
    }
  }

  private static boolean isWeightReshape(Node node) {
    Value input = node.input(0);
    return node.is("Reshape")
        && input.producer() != null
        && input.producer().input(0).constant() != null;
  }

  private static double figure(QuantizationReport report, String metric) {
    return report.metrics().stream()
        .filter(result -> result.name().equals(metric))
        .mapToDouble(MetricResult::quantizedValue)
        .findFirst()
        .orElseThrow();
  }

  private Path demo() throws IOException {
    return Files.write(folder.resolve("demo.onnx"), DemoModel.onnx());
  }

  private static Samples images(long seed, int count) {
    DemoImages images = new DemoImages(seed);
    return TestSamples.of(
        "demo images, seed " + seed,
        count,
        i ->
            Sample.of(
                HostTensor.ofFloats(
                    new int[] {1, 3, 32, 32}, DemoModel.preprocess(images.image(i))),
                OptionalInt.of(images.label(i)),
                "image " + i));
  }
}
