package dev.octet.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Bytes;
import dev.octet.graph.DataType;
import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Model;
import dev.octet.graph.NodeSpec;
import dev.octet.graph.Tensor;
import dev.octet.graph.Value;
import dev.octet.graph.ValueType;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.Sample;
import dev.octet.quantize.data.SampleIterator;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.quantize.report.QuantizationReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FloatAdjustmentsTest {
  private static final int FEATURES = 16;

  @TempDir Path folder;

  @Test
  void biasCorrectionDoesNotLowerTheSqnrOfTheDemoModel() throws IOException {
    Recipe with = Recipe.preset("w4a8-channel");
    Recipe without = with.toBuilder().biasCorrection(false).build();
    assertThat(demo(with).outputs().get(0).sqnrDb())
        .isGreaterThanOrEqualTo(demo(without).outputs().get(0).sqnrDb());
  }

  @Test
  void equalizationSaysWhatItLeftAsItWas() throws IOException {
    QuantizationReport report =
        demo(Recipe.int8().toBuilder().crossLayerEqualization(true).build());
    assertThat(report.allWarnings())
        .filteredOn(warning -> warning.where().equals("adjustment"))
        .singleElement()
        .satisfies(
            warning -> assertThat(warning.text()).startsWith("cross-layer equalization changed"));
    assertThat(report.outputs().get(0).sqnrDb()).isGreaterThan(20);
  }

  @Test
  void smoothingHelpsALayerWithOutlyingFeatures() throws IOException {
    Path source = normalizedProduct();
    Samples samples = samples(32, FloatAdjustmentsTest::row);
    double plain = sqnr(source, samples, Recipe.int8());
    double smooth = sqnr(source, samples, Recipe.int8().toBuilder().smoothQuant(0.5).build());
    assertThat(smooth).isGreaterThan(plain + 6); // more than a bit
  }

  @Test
  void smoothingResumesLikeTheCalibrationAndLeavesNoState() throws IOException {
    Path source = normalizedProduct();
    Recipe recipe = Recipe.int8().toBuilder().smoothQuant(0.5).build();
    Samples samples = samples(200, FloatAdjustmentsTest::row);
    Path expected = folder.resolve("expected.onnx");
    PostTraining.of(source).recipe(recipe).calibrate(samples).save(expected);
    Path state = folder.resolve("state");
    Samples interrupted =
        samples(
            200,
            i -> {
              if (i == 150) {
                throw new IllegalStateException("the power went");
              }
              return row(i);
            });
    Path target = folder.resolve("resumed.onnx");
    PostTraining first =
        PostTraining.of(source).recipe(recipe).calibrate(interrupted).resumable(state);
    assertThatThrownBy(() -> first.save(target)).hasStackTraceContaining("the power went");
    assertThat(FloatAdjustments.stateFile(state)).exists();

    PostTraining.of(source).recipe(recipe).calibrate(samples).resumable(state).save(target);

    assertThat(target).hasSameBinaryContentAs(expected);
    assertThat(state).doesNotExist();
    assertThat(FloatAdjustments.stateFile(state)).doesNotExist();
  }

  @Test
  void smoothingWithoutSamplesSaysWhatIsMissing() throws IOException {
    Path source = normalizedProduct();
    Recipe recipe = Recipe.preset("weight-only-int8").toBuilder().smoothQuant(0.5).build();
    PostTraining work = PostTraining.of(source).recipe(recipe);
    assertThatThrownBy(() -> work.save(folder.resolve("never.onnx")))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("SmoothQuant needs samples");
  }

  private QuantizationReport demo(Recipe recipe) throws IOException {
    Path source = Files.write(folder.resolve("demo.onnx"), DemoModel.onnx());
    return PostTraining.of(source)
        .recipe(recipe)
        .calibrate(images(DemoImages.CALIBRATION_SEED, 64))
        .evaluate(images(DemoImages.EVALUATION_SEED, 128))
        .save(folder.resolve("demo.quantized.onnx"));
  }

  private double sqnr(Path source, Samples samples, Recipe recipe) {
    return PostTraining.of(source)
        .recipe(recipe)
        .calibrate(samples)
        .evaluate(samples)
        .save(folder.resolve("out.onnx"))
        .outputs()
        .get(0)
        .sqnrDb();
  }

  /** A normalization, one of whose features is a hundred times the others, and a product. */
  private Path normalizedProduct() {
    Graph graph = new Graph("normalized");
    Value x = graph.addValue("x", type(3, FEATURES));
    graph.addInput(x);
    float[] scale = new float[FEATURES];
    Arrays.fill(scale, 0.1f);
    scale[3] = 10;
    float[] weights = new float[FEATURES * FEATURES];
    for (int i = 0; i < weights.length; i++) {
      float sign = (i * 7 + i / FEATURES * 5) % 3 - 1;
      weights[i] = i / FEATURES == 3 ? 0.01f * sign : sign;
    }
    Value normalized = graph.addValue("normalized", null);
    Value y = graph.addValue("y", type(3, FEATURES));
    graph.add(
        NodeSpec.of("LayerNormalization")
            .reads(
                x,
                graph.addConstant("scale", Tensor.ofFloats(scale, FEATURES)),
                graph.addConstant("shift", Tensor.ofFloats(new float[FEATURES], FEATURES)))
            .makes(normalized)
            .with("axis", -1));
    graph.add(
        NodeSpec.of("MatMul")
            .reads(normalized, graph.addConstant("w", Tensor.ofFloats(weights, FEATURES, FEATURES)))
            .makes(y));
    graph.addOutput(y);
    Path file = folder.resolve("normalized.onnx");
    OnnxWriter.write(new Model(8, Map.of("", 17L), Map.of(), graph, Bytes.EMPTY), file);
    return file;
  }

  private static ValueType type(long rows, long columns) {
    return new ValueType.TensorType(
        DataType.FLOAT,
        List.of(
            new Dimension.Symbolic("n"), new Dimension.Fixed(rows), new Dimension.Fixed(columns)));
  }

  private static Sample row(int index) {
    Random random = new Random(index);
    float[] values = new float[3 * FEATURES];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Sample.of(
        HostTensor.ofFloats(new int[] {3, FEATURES}, values), OptionalInt.empty(), "row " + index);
  }

  private static Samples images(long seed, int count) {
    DemoImages images = new DemoImages(seed);
    return samples(
        count,
        i ->
            Sample.of(
                HostTensor.ofFloats(
                    new int[] {3, DemoImages.SIZE, DemoImages.SIZE},
                    DemoModel.preprocess(images.image(i))),
                OptionalInt.of(images.label(i)),
                "image " + i));
  }

  private static Samples samples(int count, IntFunction<Sample> draw) {
    return new Samples() {
      @Override
      public SampleIterator iterator() {
        return new SampleIterator() {
          private int next;

          @Override
          public boolean hasNext() {
            return next < count;
          }

          @Override
          public Sample next() {
            return draw.apply(next++);
          }

          @Override
          public void close() {}
        };
      }

      @Override
      public OptionalLong size() {
        return OptionalLong.of(count);
      }

      @Override
      public String description() {
        return count + " drawn samples";
      }
    };
  }
}
