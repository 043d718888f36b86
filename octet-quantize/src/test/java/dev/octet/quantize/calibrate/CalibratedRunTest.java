package dev.octet.quantize.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.Model;
import dev.octet.graph.Value;
import dev.octet.graph.onnx.OnnxWriter;
import dev.octet.quantize.PostTraining;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.Sample;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.fixture.Net;
import dev.octet.quantize.fixture.Quantized;
import dev.octet.quantize.fixture.TestSamples;
import dev.octet.quantize.run.ModelInputs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Interrupting, resuming and reusing calibrations, and samples that are hard to learn from. */
class CalibratedRunTest {
  private static final int SAMPLES = 200;

  @TempDir Path folder;

  @Test
  void aResumedRunGivesTheSameFileBitForBit() throws IOException {
    Path model = write(net());
    Path state = folder.resolve("state");
    Samples samples = samples(SAMPLES);
    byte[] whole = save(PostTraining.of(model).calibrate(samples));

    PostTraining first = PostTraining.of(model).calibrate(stoppingAt(150)).resumable(state);
    assertThatThrownBy(() -> save(first)).hasMessage("power cut");
    assertThat(state).exists();
    assertThat(folder.resolve("out.onnx")).doesNotExist();
    byte[] resumed = save(PostTraining.of(model).calibrate(samples).resumable(state));

    assertThat(resumed).isEqualTo(whole);
    assertThat(state).doesNotExist();
  }

  @Test
  void aStateOfAnotherRecipeIsRefused() throws IOException {
    Path model = write(net());
    Path state = folder.resolve("state");
    PostTraining first = PostTraining.of(model).calibrate(stoppingAt(150)).resumable(state);
    assertThatThrownBy(() -> save(first)).hasMessage("power cut");

    PostTraining other =
        PostTraining.of(model)
            .recipe(Recipe.preset("int8-entropy"))
            .calibrate(samples(SAMPLES))
            .resumable(state);
    assertThatThrownBy(() -> save(other))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("'" + state + "' was made with another model, recipe or data");
  }

  @Test
  void aDamagedStateIsRefused() throws IOException {
    Path model = write(net());
    Path state = folder.resolve("state");
    PostTraining first = PostTraining.of(model).calibrate(stoppingAt(150)).resumable(state);
    assertThatThrownBy(() -> save(first)).hasMessage("power cut");
    byte[] bytes = Files.readAllBytes(state);
    bytes[bytes.length / 2] ^= 4;
    Files.write(state, bytes);

    PostTraining again = PostTraining.of(model).calibrate(samples(SAMPLES)).resumable(state);
    assertThatThrownBy(() -> save(again))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("'" + state + "' cannot be read");
  }

  @Test
  void savedRangesGiveTheSameFileWithoutSamples() throws IOException {
    Path model = write(net());
    Path ranges = folder.resolve("ranges");
    byte[] learned = save(PostTraining.of(model).calibrate(samples(40)).saveRanges(ranges));

    assertThat(save(PostTraining.of(model).ranges(ranges))).isEqualTo(learned);
  }

  @Test
  void rangesOfAnotherModelAreRefusedWithTheTensorThatIsMissing() throws IOException {
    Path ranges = folder.resolve("ranges");
    Path model = write(net());
    save(PostTraining.of(model).calibrate(samples(8)).saveRanges(ranges));
    Net other = Net.create();
    Path second = write(other.returns(2, other.gemm("y", other.input("z", -1, 4), 4, 4)).model());

    assertThatThrownBy(() -> save(PostTraining.of(second).ranges(ranges)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("'" + ranges + "'")
        .hasMessageContaining("tensor 'z' is not among them");
  }

  @Test
  void rangesLearnedInAnotherWayAreRefused() throws IOException {
    Path ranges = folder.resolve("ranges");
    Path model = write(net());
    save(PostTraining.of(model).calibrate(samples(8)).saveRanges(ranges));
    PostTraining other =
        PostTraining.of(model).recipe(Recipe.preset("int8-entropy")).ranges(ranges);

    assertThatThrownBy(() -> save(other))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("was learned with other settings");
  }

  @Test
  void aRangesFileThatIsNoneIsRefused() throws IOException {
    Path model = write(net());
    Path ranges = Files.writeString(folder.resolve("ranges"), "not at all");

    assertThatThrownBy(() -> save(PostTraining.of(model).ranges(ranges)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("'" + ranges + "': it is not a calibration state");
  }

  @Test
  void batchSizeDoesNotChangeWhatIsLearned() {
    Model model = net();
    Quantized one = Quantized.of(model, Recipe.int8().toBuilder().batchSize(1).build());
    Quantized seven = Quantized.of(model, Recipe.int8().toBuilder().batchSize(7).build());

    for (String name : List.of("x", "a", "f")) {
      assertThat(seven.scale(name)).as(name).isEqualTo(one.scale(name));
      assertThat(seven.zeroPoint(name)).as(name).isEqualTo(one.zeroPoint(name));
    }
  }

  @Test
  void anEmptySetIsAnError() {
    assertThatThrownBy(() -> Quantized.of(net(), Recipe.int8(), samples(0), run -> run))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("no sample could be read from");
  }

  @Test
  void missingSamplesAreAnErrorThatSaysWhatToDo() throws IOException {
    Path model = write(net());

    assertThatThrownBy(() -> save(PostTraining.of(model)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("give some");
  }

  @Test
  void zerosAllThroughGiveScaleOneAndAWarning() {
    Quantized q = Quantized.of(net(), Recipe.int8(), constant(0), run -> run);

    assertThat(q.scale("x")).isEqualTo(1);
    assertThat(q.warnings()).contains("tensor 'x' was zero in every sample; its scale is 1");
  }

  @Test
  void valuesThatAreNoNumbersAreCountedAndReported() {
    Samples mixed =
        TestSamples.of(
            "mixed",
            3,
            i -> {
              float[] values = new float[4 * 8 * 8];
              Arrays.fill(values, i);
              values[0] = i == 0 ? Float.NaN : Float.NEGATIVE_INFINITY;
              return sample(values, i);
            });
    Net net = Net.create();
    Value y = net.conv("y", net.input("x", -1, 4, 8, 8), 4, 2);
    Quantized q =
        Quantized.of(net.returns(4, y).model(), Recipe.preset("int8-minmax"), mixed, run -> run);

    assertThat(q.warnings()).contains("tensor 'x' held 1 NaN and 2 infinities");
    assertThat(q.scale("x")).isEqualTo(2f / 255);
  }

  @Test
  void aTensorThatNeverHeldANumberIsAnErrorThatNamesIt() {
    assertThatThrownBy(() -> Quantized.of(net(), Recipe.int8(), constant(Float.NaN), run -> run))
        .hasMessageContaining("'x'");
  }

  @Test
  void sequencesOfAnyLengthAreLearnedFrom() {
    Net net = Net.create();
    Value x = net.input("x", -1, -1, 8);
    Value a = net.node("Relu", "a", net.node("MatMul", "m", x, net.weight("w", 8, 8)));
    Model model = net.returns(3, net.node("MatMul", "y", a, net.weight("v", 8, 4))).model();
    Samples lengths =
        TestSamples.of(
            "lengths",
            20,
            i -> {
              int length = 1 + i % 5;
              float[] values = normal(i, length * 8);
              return Sample.of(
                  HostTensor.ofFloats(new int[] {1, length, 8}, values),
                  OptionalInt.empty(),
                  "sample " + i);
            });
    Quantized q = Quantized.of(model, Recipe.int8(), lengths, run -> run);

    assertThat(q.sqnr()).isGreaterThan(22);
  }

  @Test
  void theStateOfARecurrentModelIsFedBackWhileCalibrating() {
    Net net = Net.create();
    Value x = net.input("x", 1, 4);
    Value h = net.input("h", 1, 3);
    Value wx = net.node("MatMul", "wx", x, net.weight("w", 4, 3));
    Value two = net.floats("two", new float[] {2}, 1);
    Value wh = net.node("MatMul", "wh", net.node("Mul", "grown", h, two), net.weight("u", 3, 3));
    Value next = net.node("Add", "next", net.node("Tanh", "t", net.node("Add", "s", wx, wh)), h);
    net.returns(2, next, net.node("MatMul", "y", next, net.weight("v", 3, 2)));
    net.graph().setType(next, h.type());
    Samples steps =
        TestSamples.of(
            "steps",
            12,
            i ->
                new Sample(
                    Map.of("x", HostTensor.ofFloats(new int[] {1, 4}, normal(i, 4))),
                    OptionalInt.empty(),
                    "step " + i,
                    i % 6 == 0));
    Quantized q = Quantized.of(net.model(), Recipe.preset("int8-minmax"), steps, run -> run);

    assertThat(q.scale("grown") * 255)
        .isGreaterThan(2.1f); // zeros alone would give scale 1 exactly
    assertThat(q.scale("grown")).isLessThan(1);
  }

  @Test
  void aRecurrentLayerMayLeaveOutTheHiddenStates() {
    for (long hidden : new long[] {4, 6}) {
      Net net = Net.create();
      Value x = net.input("x", 5, 1, 6);
      List<Value> made =
          net.nodes(
              "LSTM",
              List.of("", "last"),
              Map.of("hidden_size", hidden),
              x,
              net.weight("w", 1, 4 * hidden, 6),
              net.weight("r", 1, 4 * hidden, hidden),
              net.weight("b", 1, 8 * hidden));
      Model model = net.returns(3, made.get(1)).model();

      Quantized q = Quantized.of(model, Recipe.int8(), samplesFor(model, 20), run -> run);

      assertThat(q.maker("last").input(1).producer().op()).isEqualTo("DequantizeLinear");
    }
  }

  @Test
  void oneValueMayBeReadAlongDifferentAxes() {
    Net net = Net.create();
    Value x = net.input("x", -1, 4, 6);
    Value a = net.node("Relu", "a", net.node("MatMul", "m", x, net.weight("w", 6, 6)));
    Value y = net.node("Conv", "y", a, net.weight("wc", 3, 4, 1), net.weight("bc", 3));
    Value z = net.node("MatMul", "z", a, net.weight("wm", 6, 5));
    Quantized q = Quantized.of(net.returns(3, y, z).model());

    assertThat(q.sqnr()).isGreaterThan(22);
  }

  private static Samples samplesFor(Model model, int count) {
    return TestSamples.normal(ModelInputs.of(model.graph()), count, 1);
  }

  private static Model net() {
    Net net = Net.create();
    Value x = net.input("x", -1, 4, 8, 8);
    Value a = net.node("Relu", "a", net.conv("c", x, 4, 8));
    Value f = net.node("Flatten", "f", net.node("GlobalAveragePool", "m", a));
    return net.returns(2, net.gemm("y", f, 8, 5)).model();
  }

  private static Samples samples(int count) {
    return TestSamples.of("normal", count, i -> sample(normal(i, 256), i));
  }

  private static Samples stoppingAt(int stop) {
    return TestSamples.of(
        "normal",
        SAMPLES,
        i -> {
          if (i == stop) {
            throw new IllegalStateException("power cut");
          }
          return sample(normal(i, 256), i);
        });
  }

  private static Samples constant(float value) {
    return TestSamples.of(
        "one value",
        3,
        i -> {
          float[] values = new float[256];
          Arrays.fill(values, value);
          return sample(values, i);
        });
  }

  private static Sample sample(float[] values, int i) {
    return Sample.of(
        HostTensor.ofFloats(new int[] {1, 4, 8, 8}, values), OptionalInt.empty(), "sample " + i);
  }

  private static float[] normal(int seed, int count) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private Path write(Model model) throws IOException {
    Path file = Files.createTempFile(folder, "float", ".onnx");
    OnnxWriter.write(model, file);
    return file;
  }

  private byte[] save(PostTraining run) throws IOException {
    Path out = folder.resolve("out.onnx");
    run.save(out);
    byte[] bytes = Files.readAllBytes(out);
    Files.delete(out);
    return bytes;
  }
}
