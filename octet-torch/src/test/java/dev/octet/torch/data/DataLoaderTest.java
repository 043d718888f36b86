package dev.octet.torch.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.data.PixelImage;
import dev.octet.quantize.data.PixelImage.Tone;
import dev.octet.quantize.data.Preprocessing;
import dev.octet.quantize.data.Preprocessing.Channels;
import dev.octet.quantize.data.Preprocessing.Layout;
import dev.octet.torch.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DataLoaderTest {

  private static final Preprocessing HOW = Preprocessing.cifar10();

  @AfterEach
  void noThreadIsLeft() {
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().startsWith("octet-loader"));
  }

  /** What an epoch gives: labels and values of each batch, as text and bits. */
  private record Seen(List<Long> labels, List<Integer> bits) {}

  private static List<Seen> see(Epoch epoch) {
    List<Seen> all = new ArrayList<>();
    try (epoch) {
      while (epoch.hasNext()) {
        try (Batch batch = epoch.next()) {
          List<Long> labels = Arrays.stream(Tensors.toLongs(batch.labels())).boxed().toList();
          List<Integer> bits = new ArrayList<>();
          for (float value : Tensors.toFloats(batch.input())) {
            bits.add(Float.floatToRawIntBits(value));
          }
          all.add(new Seen(labels, bits));
        }
      }
    }
    return all;
  }

  private static List<Long> labels(List<Seen> batches) {
    return batches.stream().flatMap(batch -> batch.labels().stream()).toList();
  }

  private static DataLoader.Builder augmented(int workers) {
    return DataLoader.builder(Fixtures.noise(50, 32, HOW))
        .batchSize(8)
        .shuffle()
        .seed(11)
        .augment(Augmentation.cifar10())
        .workers(workers);
  }

  @Test
  void givesTheSameWhateverTheWorkers() {
    List<Seen> one = see(augmented(1).prefetch(1).build().epoch(3));
    assertThat(one).hasSize(7);
    for (int workers : new int[] {2, 5}) {
      assertThat(see(augmented(workers).build().epoch(3))).isEqualTo(one);
    }
    assertThat(see(augmented(2).prefetch(100).build().epoch(3))).isEqualTo(one);
  }

  @Test
  void goesOnInTheMiddleOfAnEpochAsIfItHadBeenThere() {
    List<Seen> whole = see(augmented(2).build().epoch(4));
    assertThat(see(augmented(2).build().epoch(4, 5))).isEqualTo(whole.subList(5, 7));
    assertThat(see(augmented(2).build().epoch(4, 7))).isEmpty();
  }

  @Test
  void givesEachSampleOnceInAnOrderOfTheEpochsOwn() {
    DataLoader loader = augmented(2).build();
    List<Long> first = labels(see(loader.epoch(0)));
    assertThat(first)
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 50).asLongStream().boxed().toList())
        .isNotEqualTo(IntStream.range(0, 50).asLongStream().boxed().toList());
    assertThat(labels(see(loader.epoch(1)))).isNotEqualTo(first);
    assertThat(labels(see(loader.epoch(0)))).isEqualTo(first);
    assertThat(labels(see(augmented(2).seed(12).build().epoch(0)))).isNotEqualTo(first);
  }

  @Test
  void augmentsASampleAnewInEachEpoch() {
    DataLoader.Builder builder = augmented(2);
    DataLoader inOrder =
        DataLoader.builder(builder.build().dataset())
            .batchSize(50)
            .augment(Augmentation.cifar10())
            .build();
    assertThat(see(inOrder.epoch(0))).isNotEqualTo(see(inOrder.epoch(1)));
  }

  @Test
  void keepsTheDataSetsOrderUnlessShuffled() {
    DataLoader loader = DataLoader.builder(Fixtures.noise(10, 4, HOW)).batchSize(4).build();
    assertThat(loader.batches()).isEqualTo(3);
    List<Seen> seen = see(loader.epoch(9));
    assertThat(labels(seen)).isSorted();
    assertThat(seen.get(2).labels()).hasSize(2);
  }

  @Test
  void dropsALastBatchThatIsNotFull() {
    Dataset ten = Fixtures.noise(10, 4, HOW);
    assertThat(see(DataLoader.builder(ten).batchSize(4).dropLast().build().epoch(0))).hasSize(2);
    assertThat(see(DataLoader.builder(ten).batchSize(5).dropLast().build().epoch(0))).hasSize(2);
  }

  /** Each value by the formula, written out for planes and for channels last. */
  @ParameterizedTest
  @EnumSource(Layout.class)
  void normalisesAsTheFormulaSays(Layout layout) {
    Preprocessing how =
        Preprocessing.builder().layout(layout).mean(0.1f, 0.2f, 0.3f).std(0.5f, 2, 4).build();
    Dataset dataset = Fixtures.noise(3, 5, how);
    try (Epoch epoch = DataLoader.builder(dataset).build().epoch(0);
        Batch batch = epoch.next()) {
      float[] values = Tensors.toFloats(batch.input());
      boolean planar = layout == Layout.NCHW;
      assertThat(Tensors.shape(batch.input()))
          .containsExactly(planar ? new long[] {3, 3, 5, 5} : new long[] {3, 5, 5, 3});
      float[] mean = {0.1f, 0.2f, 0.3f};
      float[] std = {0.5f, 2, 4};
      for (int n = 0; n < 3; n++) {
        PixelImage image = ((Example.Image) dataset.get(n)).image();
        for (int c = 0; c < 3; c++) {
          for (int i = 0; i < 25; i++) {
            float wanted = (image.at(i % 5, i / 5, c) / 255f - mean[c]) / std[c];
            int at = planar ? (n * 3 + c) * 25 + i : (n * 25 + i) * 3 + c;
            assertThat(values[at]).isEqualTo(wanted);
          }
        }
      }
      assertThat(Tensors.toLongs(batch.labels())).containsExactly(0, 1, 2);
      assertThat(batch.labels().scalar_type().intern()).isEqualTo(ScalarType.Long);
      assertThat(batch.origins()).containsExactly("noise[0]", "noise[1]", "noise[2]");
    }
  }

  @Test
  void turnsColoursIntoTheChannelsAskedFor() {
    Preprocessing grey = Preprocessing.raw().toBuilder().channels(Channels.GREY).build();
    Preprocessing bgr = Preprocessing.raw().toBuilder().channels(Channels.BGR).build();
    PixelImage image = Fixtures.image(2, 2, 3, 4);
    Dataset dataset = Dataset.of(new Example.Image(image, grey, 0, "a"));
    try (Epoch epoch = DataLoader.builder(dataset).build().epoch(0);
        Batch batch = epoch.next()) {
      assertThat(Tensors.shape(batch.input())).containsExactly(1, 1, 2, 2);
      assertThat(Tensors.toFloats(batch.input())[3]).isEqualTo(image.at(1, 1, Tone.GREY));
    }
    Dataset blueFirst = Dataset.of(new Example.Image(image, bgr, 0, "a"));
    try (Epoch epoch = DataLoader.builder(blueFirst).build().epoch(0);
        Batch batch = epoch.next()) {
      assertThat(Tensors.toFloats(batch.input())[0]).isEqualTo(image.at(0, 0, 2));
    }
  }

  @Test
  void laysChannelsLastInMemoryWithTheSameValues() {
    List<Seen> planes = see(augmented(2).build().epoch(0));
    DataLoader last = augmented(2).channelsLast().build();
    assertThat(see(last.epoch(0))).isEqualTo(planes);
    try (Epoch epoch = last.epoch(0);
        Batch batch = epoch.next()) {
      Tensor images = batch.input();
      assertThat(Tensors.shape(images)).containsExactly(8, 3, 32, 32);
      assertThat(images.stride(1)).isEqualTo(1);
      assertThat(images.stride(3)).isEqualTo(3);
      assertThat(images.stride(2)).isEqualTo(96);
    }
  }

  @Test
  void cutsOutTheMiddleAfterAugmentation() {
    Preprocessing crop = Preprocessing.raw().toBuilder().crop(2, 4).build();
    PixelImage image = Fixtures.image(7, 6, 3, 4);
    Dataset dataset = Dataset.of(new Example.Image(image, crop, 0, "a"));
    try (Epoch epoch =
            DataLoader.builder(dataset).augment(Augmentation.horizontalFlip(1)).build().epoch(0);
        Batch batch = epoch.next()) {
      assertThat(Tensors.shape(batch.input())).containsExactly(1, 3, 2, 4);
      assertThat(Tensors.toFloats(batch.input())[0]).isEqualTo(image.at(7 - 1 - 1, 2, 0));
    }
  }

  @Test
  void bindsImagesToAModelsInput() {
    InputBinding flat =
        InputBinding.of(
            List.of(ModelInput.of("pixels", ElementType.FLOAT32, ModelInput.DYNAMIC, 48)));
    DataLoader loader =
        DataLoader.builder(Fixtures.noise(3, 4, HOW)).inputs(flat).channelsLast().build();
    try (Epoch epoch = loader.epoch(0);
        Batch batch = epoch.next()) {
      assertThat(batch.inputs()).containsOnlyKeys("pixels");
      assertThat(Tensors.shape(batch.input())).containsExactly(3, 48);
    }
    List<Seen> plain = see(DataLoader.builder(Fixtures.noise(3, 4, HOW)).build().epoch(0));
    assertThat(see(loader.epoch(0))).isEqualTo(plain);
    DataLoader other =
        DataLoader.builder(Fixtures.noise(3, 5, HOW)).inputs(flat).workers(1).build();
    assertThatThrownBy(() -> see(other.epoch(0)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("'noise[0]'");
    InputBinding bytes =
        InputBinding.of(List.of(ModelInput.of("x", ElementType.UINT8, -1, 3, 5, 5)));
    Dataset raw = Fixtures.noise(3, 5, Preprocessing.raw());
    assertThatThrownBy(() -> see(DataLoader.builder(raw).inputs(bytes).build().epoch(0)))
        .hasMessageContaining("uint8");
  }

  @Test
  void endsItsThreadsAndFreesItsBatchesWhenClosedEarly() {
    Epoch epoch = augmented(3).build().epoch(0);
    Batch taken = epoch.next();
    epoch.close();
    epoch.close();
    assertThat(epoch.hasNext()).isFalse();
    assertThatThrownBy(epoch::next)
        .isInstanceOf(NoSuchElementException.class)
        .hasMessage("the pass is over or closed; start another epoch");
    assertThat(Tensors.toFloats(taken.input())).hasSize(8 * 3 * 32 * 32);
    taken.close();
    Epoch untouched = augmented(3).build().epoch(0);
    untouched.close();
  }

  @Test
  void isClosedWhenInterruptedWhileItWaits() {
    CountDownLatch never = new CountDownLatch(1);
    Dataset slow =
        new Dataset() {
          @Override
          public int size() {
            return 4;
          }

          @Override
          public Example get(int index) {
            try {
              never.await();
            } catch (InterruptedException e) {
              throw new DataException("interrupted", e);
            }
            throw new DataException("sample " + index + " is gone");
          }

          @Override
          public int label(int index) {
            return 0;
          }

          @Override
          public String description() {
            return "slow samples";
          }
        };
    Epoch epoch = DataLoader.builder(slow).workers(1).build().epoch(0);
    Thread.currentThread().interrupt();
    Thread release = new Thread(never::countDown);
    release.start();
    assertThatThrownBy(epoch::next).isInstanceOf(DataException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(epoch.hasNext()).isFalse();
  }

  @Test
  void tellsWhichSampleFailed() {
    List<Example> all = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      int side = i == 13 ? 5 : 4;
      all.add(new Example.Image(Fixtures.image(side, side, 3, i), HOW, i, "image" + i));
    }
    Dataset odd = Dataset.of(all);
    Epoch epoch = DataLoader.builder(odd).batchSize(4).workers(2).build().epoch(0);
    for (int i = 0; i < 3; i++) {
      epoch.next().close();
    }
    assertThatThrownBy(epoch::next)
        .isInstanceOf(DataException.class)
        .hasMessage(
            "sample 'image13' gives [1, 3, 5, 5], and 'image12' of the same batch [1, 3, 4, 4]; set"
                + " a crop in the preprocessing, so that all are of one size");
    assertThat(epoch.hasNext()).isFalse();

    Augmentation tooLarge = Augmentation.randomCrop(9, 9, 0, ImageView.Padding.ZERO);
    DataLoader loader = DataLoader.builder(odd).augment(tooLarge).workers(1).build();
    assertThatThrownBy(() -> see(loader.epoch(0)))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("sample 'image0' cannot be augmented: image is 4x4");

    Preprocessing large = HOW.toBuilder().crop(8, 8).build();
    assertThatThrownBy(() -> see(DataLoader.builder(Fixtures.noise(1, 4, large)).build().epoch(0)))
        .hasMessage(
            "'noise[0]' is 4x4 (height x width), smaller than the crop 8x8; resize images first");
  }

  @Test
  void aClosedBatchSaysSo() {
    try (Epoch epoch = DataLoader.builder(Fixtures.noise(1, 4, HOW)).build().epoch(0)) {
      Batch batch = epoch.next();
      Tensor images = batch.input();
      batch.close();
      batch.close();
      assertThat(images.isNull()).isTrue();
      assertThatThrownBy(batch::input)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the batch is closed; use its tensors before that");
      assertThatThrownBy(batch::labels).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(batch::inputs).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void refusesSettingsThatGiveNothing() {
    Dataset three = Fixtures.noise(3, 4, HOW);
    assertThatThrownBy(() -> DataLoader.builder(three).batchSize(0).build())
        .hasMessageStartingWith("batch size is 0 and workers ");
    assertThatThrownBy(() -> DataLoader.builder(three).prefetch(0))
        .hasMessage("prefetch is 0; choose 1 or more");
    assertThatThrownBy(() -> DataLoader.builder(three).batchSize(4).dropLast().build())
        .hasMessage(
            "batch size is 4, and 3 examples in memory has 3 samples: dropping the last batch"
                + " leaves none; choose smaller batches");
    assertThatThrownBy(() -> DataLoader.builder(three).build().epoch(-1))
        .hasMessage("epoch is -1 from batch 0; choose 0 or more, and a batch up to 1");
    InputBinding two =
        InputBinding.of(List.of(ModelInput.of("x", ElementType.FLOAT32, 2, 3, 4, 4)));
    assertThatThrownBy(() -> DataLoader.builder(three).inputs(two).batchSize(3).build())
        .hasMessage(
            "batch size is 3, and the model takes batches of 2 only; choose that, or free the"
                + " model's batch axis");
    assertThatThrownBy(() -> DataLoader.builder(three).inputs(two).batchSize(2).build())
        .hasMessage(
            "the model takes batches of 2 only, and the last one would be smaller; drop the last"
                + " batch");
    assertThat(see(DataLoader.builder(three).inputs(two).batchSize(2).dropLast().build().epoch(0)))
        .hasSize(1);
  }
}
