package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Reads the shared real data; skipped where it is not present. */
class RealDataIT {

  private static final ModelInput CIFAR_INPUT =
      ModelInput.of("input", ElementType.FLOAT32, -1, 3, 32, 32);
  private static final ModelInput SQUEEZENET_INPUT =
      ModelInput.of("input", ElementType.FLOAT32, -1, 3, 227, 227);

  private static DataSet open(String name, ModelInput... inputs) {
    return Samples.open(SharedData.folder(name), List.of(inputs), SamplesOptions.defaults());
  }

  private static List<Integer> labels(Samples samples) {
    List<Integer> labels = new ArrayList<>();
    samples.forEach(sample -> labels.add(sample.label().orElse(-1)));
    return labels;
  }

  @Test
  void cifarCalibratesOnTheTrainingPartAndEvaluatesOnTheTestPart() {
    DataSet data = open("cifar10", CIFAR_INPUT);
    assertThat(data.sameSet()).isFalse();
    assertThat(data.calibration().size()).isEqualTo(OptionalLong.of(18_000));
    assertThat(data.evaluation().size()).isEqualTo(OptionalLong.of(10_000));
    assertThat(data.preprocessing()).contains(Preprocessing.cifar10());
    int[] counts = new int[10];
    labels(data.evaluation()).forEach(label -> counts[label]++);
    assertThat(counts).containsOnly(1_000);
    Sample first = data.evaluation().iterator().next();
    assertThat(InputBinding.of(List.of(CIFAR_INPUT)).bind(first).get("input"))
        .hasToString("float32 [1, 3, 32, 32]");
  }

  @Test
  void mnistHasTheLabelsThatItsReadmeStates() {
    DataSet data = open("mnist", ModelInput.of("input_image", ElementType.FLOAT32, -1, 1, 28, 28));
    assertThat(labels(data.evaluation().limit(5))).containsExactly(7, 2, 1, 0, 4);
    assertThat(labels(data.calibration().limit(5))).containsExactly(5, 0, 4, 1, 9);
    assertThat(labels(data.evaluation())).hasSize(10_000);
    assertThat(data.calibration().size()).isEqualTo(OptionalLong.of(60_000));
    float[] pixels = data.evaluation().iterator().next().inputs().get(Sample.ONLY).floats();
    assertThat(pixels[0]).isEqualTo((0f - 0.1307f) / 0.3081f); // the corner is background
  }

  @Test
  void imagenetImagesGetCaffePreprocessingForASideOf227AndLabelsFromTheirNames() {
    DataSet data = open("imagenet", SQUEEZENET_INPUT);
    assertThat(data.sameSet()).isTrue();
    assertThat(data.calibration().size()).isEqualTo(OptionalLong.of(300));
    assertThat(data.preprocessing()).contains(Preprocessing.imagenetCaffe());
    assertThat(labels(data.evaluation().limit(4))).containsExactly(0, 3, 6, 10);
    Sample sample = data.evaluation().iterator().next();
    float[] values = sample.inputs().get(Sample.ONLY).floats();
    assertThat(values).hasSize(3 * 227 * 227);
    for (float value : values) {
      assertThat(value).isBetween(-123f, 255f - 104f);
      assertThat(value).isEqualTo((float) Math.rint(value));
    }
  }

  @Test
  void tokensBecomePaddedIdsAndAMask() {
    ModelInput ids = ModelInput.of("input_ids", ElementType.INT64, -1, 64);
    ModelInput mask = ModelInput.of("attention_mask", ElementType.INT64, -1, 64);
    DataSet data = open("sst2", ids, mask);
    assertThat(data.calibration().size()).isEqualTo(OptionalLong.of(500));
    assertThat(data.evaluation().size()).isEqualTo(OptionalLong.of(1_821));
    assertThat(data.sameSet()).isFalse();
    InputBinding binding = InputBinding.of(List.of(ids, mask));
    Map<String, HostTensor> feeds = binding.bind(data.evaluation().iterator().next());
    assertThat(feeds.get("input_ids").longs()).startsWith(2, 329, 3288).hasSize(64).endsWith(0);
    assertThat(feeds.get("attention_mask").longs()).startsWith(1, 1).endsWith(0, 0).hasSize(64);
    int seen = 0;
    try (Batches batches = Batches.of(data.evaluation(), binding, 100)) {
      while (batches.hasNext()) {
        seen += batches.next().size();
      }
    }
    assertThat(seen).isEqualTo(1_821);
  }

  @Test
  void audioFramesAreThreeSequencesAndOneBringsAState() {
    ModelInput frame = ModelInput.of("input_2", ElementType.FLOAT32, 1, 1, 257);
    ModelInput state = ModelInput.of("input_3", ElementType.FLOAT32, 1, 2, 128, 2);
    ModelInput mask = ModelInput.of("activation_2", ElementType.FLOAT32, 1, 1, 257);
    ModelInput next = ModelInput.of("tf_op_layer_stack_2", ElementType.FLOAT32, 1, 2, 128, 2);
    DataSet data = open("audio", frame, state);
    assertThat(data.calibration().size()).isEqualTo(OptionalLong.of(1 + 64 + 32));
    Feedback feedback = Feedback.guess(List.of(frame, state), List.of(mask, next));
    assertThat(feedback.inputOfOutput()).containsExactly(Map.entry(next.name(), state.name()));
    Feeder feeder = new Feeder(InputBinding.of(List.of(frame, state), feedback));
    int starts = 0;
    int index = 0;
    HostTensor kept = HostTensor.zeros(ElementType.FLOAT32, new int[] {1, 2, 128, 2});
    for (Sample sample : data.calibration()) {
      Map<String, HostTensor> feeds = feeder.feed(sample);
      assertThat(feeds.get("input_2")).hasToString("float32 [1, 1, 257]");
      if (sample.startsSequence()) {
        starts++;
      } else {
        assertThat(feeds.get("input_3")).isSameAs(kept);
      }
      kept = HostTensor.ofFloats(new int[] {1, 2, 128, 2}, new float[512]);
      feeder.took(Map.of(next.name(), kept));
      if (index++ == 65) { // the first frame of the third recording
        assertThat(feeds.get("input_3").floats()).isNotEqualTo(new float[512]);
      }
    }
    assertThat(starts).isEqualTo(3);
  }
}
