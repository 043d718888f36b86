package dev.octet.torch.qat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.core.recipe.Recipe;
import dev.octet.graph.onnx.OnnxReader;
import dev.octet.quantize.Progress;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.quantize.demo.DemoImages;
import dev.octet.quantize.demo.DemoModel;
import dev.octet.quantize.run.ModelInputs;
import dev.octet.torch.train.EpochResult;
import dev.octet.torch.train.StoppedException;
import dev.octet.torch.train.TrainingException;
import dev.octet.torch.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FineTuningTest {
  @TempDir private static Path folder;

  private static Path model;
  private static DataSet data;

  @TempDir private Path own;

  @BeforeAll
  static void prepare() throws IOException {
    model = Files.write(folder.resolve("demo.onnx"), DemoModel.onnx());
    new DemoImages(DemoImages.CALIBRATION_SEED).write(folder.resolve("images/train"), 32);
    new DemoImages(DemoImages.EVALUATION_SEED).write(folder.resolve("images/test"), 20);
    data =
        Samples.open(
            folder.resolve("images"),
            ModelInputs.of(OnnxReader.read(model).graph()),
            SamplesOptions.defaults());
  }

  private FineTuning tuning() {
    return FineTuning.of(model).recipe(Recipe.preset("w4a8-channel")).batchSize(16).epochs(2);
  }

  @Test
  void aRunThatWasCutOffCarriesOnToTheSameBytes() throws IOException {
    Path whole = own.resolve("whole.onnx");
    Path resumed = own.resolve("resumed.onnx");
    Path checkpoint = own.resolve("run");
    FineTuning.Result result = tuning().learnRanges().save(data, whole);
    assertThat(result.epochs()).extracting(EpochResult::epoch).containsExactly(0, 1);
    assertThat(result.bytes()).isEqualTo(Files.size(whole)).isLessThan(result.floatBytes() / 2);

    TrainingListener stop =
        new TrainingListener() {
          @Override
          public void onEpoch(EpochResult result) {
            throw new IllegalStateException("cut off");
          }
        };
    assertThatThrownBy(
            () -> tuning().learnRanges().checkpoint(checkpoint).listener(stop).save(data, resumed))
        .hasMessage("cut off");
    assertThat(resumed).doesNotExist();
    tuning().learnRanges().checkpoint(checkpoint).save(data, resumed);

    assertThat(resumed).hasSameBinaryContentAs(whole);
    assertThatThrownBy(() -> tuning().checkpoint(checkpoint).save(data, own.resolve("x")))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("it differs in learned ranges;");
  }

  @Test
  void endsWhereItIsWhenAskedToAndCarriesOnFromTheLastWholeEpoch() throws IOException {
    Path whole = own.resolve("whole.onnx");
    Path stopped = own.resolve("stopped.onnx");
    Path checkpoint = own.resolve("run");
    tuning().save(data, whole);

    FineTuning first = tuning();
    List<String> steps = new ArrayList<>();
    TrainingListener inTheSecondEpoch =
        new TrainingListener() {
          @Override
          public void onStep(int epoch, int step, int count, double loss) {
            steps.add(epoch + "." + step);
            if (epoch == 1) {
              first.stop();
            }
          }
        };
    assertThatThrownBy(
            () -> first.checkpoint(checkpoint).listener(inTheSecondEpoch).save(data, stopped))
        .isInstanceOf(StoppedException.class)
        .hasMessageContaining("epoch 1, step 0");
    assertThat(steps).containsExactly("0.0", "0.1", "1.0");
    assertThat(stopped).doesNotExist();
    tuning().checkpoint(checkpoint).save(data, stopped);
    assertThat(stopped).hasSameBinaryContentAs(whole);
  }

  @Test
  void canBeStoppedOutsideTrainingToo() {
    for (String stage : List.of("judging the float", "calibrating", "evaluating")) {
      FineTuning tuning = tuning().epochs(1);
      Progress stopping =
          new Progress() {
            @Override
            public void begin(String name, OptionalLong total) {
              if (name.startsWith(stage)) {
                tuning.stop();
              }
            }

            @Override
            public void advance(long steps) {}

            @Override
            public void end() {}
          };
      assertThatThrownBy(() -> tuning.progress(stopping).save(data, own.resolve("none")))
          .as(stage)
          .isInstanceOf(StoppedException.class);
    }
    assertThat(own).isEmptyDirectory();
  }

  @Test
  void tellsOfEveryStageInSamples() {
    List<String> stages = new ArrayList<>();
    long[] done = new long[1];
    Progress progress =
        new Progress() {
          @Override
          public void begin(String stage, OptionalLong total) {
            stages.add(stage + " " + total.orElse(-1));
            done[0] = -total.orElse(-1);
          }

          @Override
          public void advance(long steps) {
            done[0] += steps;
          }

          @Override
          public void end() {
            assertThat(done[0]).as(stages.toString()).isZero();
          }
        };

    tuning().epochs(1).progress(progress).save(data, own.resolve("x"));

    assertThat(stages)
        .containsExactly(
            "judging the float model 20",
            "calibrating 32",
            "judging the calibrated model 20",
            "training, epoch 0 32",
            "evaluating 20");
  }

  @Test
  void refusesSettingsThatMakeNoSense() {
    FineTuning tuning = tuning();
    assertThatThrownBy(() -> tuning.learningRate(0)).hasMessageContaining("the learning rate is 0");
    assertThatThrownBy(() -> tuning.momentum(1)).hasMessageContaining("momentum is 1");
    assertThatThrownBy(() -> tuning.weightDecay(Double.NaN)).hasMessageContaining("decay is NaN");
    assertThatThrownBy(() -> tuning.distill(2, 1)).hasMessageContaining("distillation is 2");
    assertThatThrownBy(() -> tuning.clipGradients(-1)).hasMessageContaining("gradients is -1");
    assertThatThrownBy(() -> tuning.freezeBatchNormsAt(-1)).hasMessageContaining("epoch is -1");
    assertThatThrownBy(() -> tuning.epochs(0)).hasMessageContaining("epochs is 0");
    for (String recipe : new String[] {"dynamic-int8", "weight-only-int8"}) {
      assertThatThrownBy(
              () ->
                  tuning
                      .recipe(Recipe.preset(recipe))
                      .learnRanges()
                      .save(data, own.resolve("none")))
          .isInstanceOf(SettingsException.class)
          .hasMessageContaining("recipe '" + recipe + "'");
    }
    assertThat(own).isEmptyDirectory();
  }
}
