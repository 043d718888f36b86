package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class InputBindingTest {

  private static HostTensor floats(int... shape) {
    return HostTensor.zeros(ElementType.FLOAT32, shape);
  }

  private static Sample sample(HostTensor tensor) {
    return Sample.of(tensor, OptionalInt.empty(), "s");
  }

  private static Sample tokens(long... ids) {
    return Sample.of(
        Map.of(Sample.TOKENS, HostTensor.ofLongs(new int[] {1, ids.length}, ids)),
        OptionalInt.empty(),
        "t");
  }

  private static ModelInput input(long... dims) {
    return ModelInput.of("input", ElementType.FLOAT32, dims);
  }

  private static Map<String, HostTensor> bind(ModelInput input, HostTensor tensor) {
    return InputBinding.of(List.of(input)).bind(sample(tensor));
  }

  @Test
  void axesOfOneComeAndGo() {
    assertThat(bind(input(1, 1, 257), floats(1, 257)).get("input")).isEqualTo(floats(1, 1, 257));
    assertThat(bind(input(-1, -1, 257), floats(1, 257)).get("input")).isEqualTo(floats(1, 1, 257));
    assertThat(bind(input(257), floats(1, 257)).get("input")).isEqualTo(floats(257));
    assertThat(bind(input(-1, 784), floats(1, 1, 28, 28)).get("input")).isEqualTo(floats(1, 784));
    assertThat(bind(input(-1, 28, 28, 1), floats(1, 1, 28, 28)).get("input"))
        .isEqualTo(floats(1, 28, 28, 1));
  }

  @Test
  void axesAreNeverMoved() {
    assertThatThrownBy(() -> bind(input(-1, 32, 32, 3), floats(1, 3, 32, 32)))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "model input 'input' wants [n, 32, 32, 3], sample 's' gives [1, 3, 32, 32]; for images"
                + " set --size 32 and --layout nhwc");
  }

  @Test
  void aWrongSizeSaysWhichIsWanted() {
    assertThatThrownBy(() -> bind(input(-1, 3, 32, 32), floats(1, 3, 28, 28)))
        .hasMessage(
            "model input 'input' wants [n, 3, 32, 32], sample 's' gives [1, 3, 28, 28]; for images"
                + " set --size 32");
    assertThatThrownBy(() -> bind(input(-1, 7), floats(1, 8)))
        .hasMessage(
            "model input 'input' wants [n, 7], sample 's' gives [1, 8]; give arrays with one row"
                + " for each sample, of the model's shape");
  }

  @Test
  void typesAreConvertedOnlyWhenNothingIsLost() {
    ModelInput bytes = ModelInput.of("input", ElementType.UINT8, -1, 2);
    HostTensor whole = HostTensor.ofFloats(new int[] {1, 2}, new float[] {0, 255});
    assertThat(bind(bytes, whole).get("input"))
        .isEqualTo(HostTensor.ofBytes(ElementType.UINT8, new int[] {1, 2}, new byte[] {0, -1}));
    HostTensor half = HostTensor.ofFloats(new int[] {1, 2}, new float[] {0, 0.5f});
    assertThatThrownBy(() -> bind(bytes, half))
        .hasMessage(
            "model input 'input' is uint8, sample 's' is float32: value 0.5 at element 1 is no"
                + " uint8; give data of the model's type, or for images the preprocessing 'raw'");
    HostTensor large = HostTensor.ofLongs(new int[] {1, 2}, new long[] {256, 0});
    assertThatThrownBy(() -> bind(bytes, large))
        .hasMessageContaining("value 256 at element 0 does not fit uint8");
  }

  @Test
  void missingAndUnknownInputsAreNamed() {
    InputBinding binding =
        InputBinding.of(
            List.of(
                ModelInput.of("a", ElementType.FLOAT32, -1, 1),
                ModelInput.of("b", ElementType.FLOAT32, -1, 1)));
    assertThatThrownBy(() -> binding.bind(sample(floats(1, 1))))
        .hasMessageContaining("has one unnamed array, but the model has the inputs [a, b]");
    Sample half = Sample.of(Map.of("a", floats(1, 1)), OptionalInt.empty(), "s");
    assertThatThrownBy(() -> binding.bind(half))
        .hasMessageContaining("nothing for model input 'b'");
    Sample more =
        Sample.of(
            Map.of("a", floats(1, 1), "b", floats(1, 1), "c", floats(1, 1)),
            OptionalInt.empty(),
            "s");
    assertThatThrownBy(() -> binding.bind(more))
        .hasMessage(
            "sample 's' has an array 'c', which is no input of the model; its inputs are [a, b]");
  }

  private static List<ModelInput> bert(long length) {
    return List.of(
        ModelInput.of("input_ids", ElementType.INT64, -1, length),
        ModelInput.of("attention_mask", ElementType.INT64, -1, length),
        ModelInput.of("token_type_ids", ElementType.INT32, -1, length));
  }

  @Test
  void tokensArePaddedToAFixedLengthAndMasked() {
    Map<String, HostTensor> bound = InputBinding.of(bert(4)).bind(tokens(7, 8));
    assertThat(bound.get("input_ids").longs()).containsExactly(7, 8, 0, 0);
    assertThat(bound.get("attention_mask").longs()).containsExactly(1, 1, 0, 0);
    assertThat(bound.get("token_type_ids").ints()).containsExactly(0, 0, 0, 0);
    assertThatThrownBy(() -> InputBinding.of(bert(1)).bind(tokens(7, 8)))
        .hasMessage(
            "sample 't' has 2 tokens, model input 'input_ids' takes 1; cut longer texts when making"
                + " the tokens");
  }

  private static Samples of(Sample... samples) {
    return new Samples() {
      @Override
      public SampleIterator iterator() {
        Iterator<Sample> rest = List.of(samples).iterator();
        return new ReadingIterator(SkipPolicy.strict()) {
          @Override
          Sample read() {
            return rest.hasNext() ? rest.next() : null;
          }

          @Override
          void release() {}
        };
      }

      @Override
      public OptionalLong size() {
        return OptionalLong.of(samples.length);
      }

      @Override
      public String description() {
        return "test";
      }
    };
  }

  private static List<Integer> batchSizes(Batches batches) {
    List<Integer> sizes = new ArrayList<>();
    batches.forEachRemaining(batch -> sizes.add(batch.size()));
    return sizes;
  }

  @Test
  void aBatchEndsWhenTheLengthChanges() {
    InputBinding free = InputBinding.of(bert(-1));
    Samples samples = of(tokens(1, 2), tokens(3, 4), tokens(5), tokens(6), tokens(7), tokens(8, 9));
    Batches batches = Batches.of(samples, free, 2);
    assertThat(batches.next().feeds().get("input_ids"))
        .isEqualTo(HostTensor.ofLongs(new int[] {2, 2}, new long[] {1, 2, 3, 4}));
    assertThat(batchSizes(batches)).containsExactly(2, 1, 1);
  }

  @Test
  void aFixedBatchIsKeptAndTheRestIsLeftOut() {
    Sample one = sample(floats(1, 3));
    Batches three = Batches.of(of(one, one, one, one), InputBinding.of(List.of(input(3, 3))), 2);
    assertThat(batchSizes(three)).containsExactly(3);
    assertThat(three.leftOut()).isEqualTo(1);
    Batches single = Batches.of(of(one, one), InputBinding.of(List.of(input(1, 3))), 8);
    assertThat(batchSizes(single)).containsExactly(1, 1);
    Batches unbatched = Batches.of(of(one, one), InputBinding.of(List.of(input(3))), 8);
    assertThat(batchSizes(unbatched)).containsExactly(1, 1);
  }

  @Test
  void stateIsGuessedOnlyWhenItIsClear() {
    ModelInput x = ModelInput.of("x", ElementType.FLOAT32, 1, 4);
    ModelInput h = ModelInput.of("h", ElementType.FLOAT32, 1, 2);
    ModelInput h2 = ModelInput.of("h2", ElementType.FLOAT32, 1, 2);
    ModelInput y = ModelInput.of("y", ElementType.FLOAT32, 1, 4);
    ModelInput next = ModelInput.of("next", ElementType.FLOAT32, 1, 2);
    assertThat(Feedback.guess(List.of(x, h), List.of(y, next)).inputOfOutput())
        .containsExactly(Map.entry("next", "h"));
    assertThat(Feedback.guess(List.of(x, h, h2), List.of(y, next)).isEmpty()).isTrue();
    assertThat(Feedback.guess(List.of(x, h), List.of(next, h2)).isEmpty()).isTrue();
    assertThat(Feedback.guess(List.of(x), List.of(y)).isEmpty()).isTrue();
  }

  @Test
  void stateGoesFromStepToStepUntilANewSequence() {
    ModelInput x = ModelInput.of("x", ElementType.FLOAT32, 1, 1);
    ModelInput h = ModelInput.of("h", ElementType.FLOAT32, 1, 2);
    Feeder feeder = new Feeder(InputBinding.of(List.of(x, h), new Feedback(Map.of("next", "h"))));
    HostTensor kept = HostTensor.ofFloats(new int[] {1, 2}, new float[] {3, 4});
    Sample later =
        new Sample(Map.of(Sample.ONLY, floats(1, 1)), OptionalInt.empty(), "later", false);
    assertThat(feeder.feed(sample(floats(1, 1))).get("h")).isEqualTo(floats(1, 2));
    feeder.took(Map.of("next", kept, "y", floats(1, 1)));
    assertThat(feeder.feed(later).get("h")).isEqualTo(kept);
    assertThat(feeder.feed(sample(floats(1, 1))).get("h")).isEqualTo(floats(1, 2));
    assertThatThrownBy(() -> feeder.took(Map.of("y", kept)))
        .hasMessage("outputs [y] lack the state 'next'; request it as well");
  }
}
