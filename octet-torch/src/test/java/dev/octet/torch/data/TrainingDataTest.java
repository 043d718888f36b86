package dev.octet.torch.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.quantize.data.Batches;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.DataSet;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.Feedback;
import dev.octet.quantize.data.InputBinding;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.data.Preprocessing;
import dev.octet.quantize.data.Samples;
import dev.octet.quantize.data.SamplesOptions;
import dev.octet.testing.SharedFolder;
import dev.octet.torch.Tensors;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingDataTest {

  private static final ModelInput PICTURE =
      ModelInput.of("image", ElementType.FLOAT32, ModelInput.DYNAMIC, 3, 32, 32);
  private static final ModelInput IDS =
      ModelInput.of("input_ids", ElementType.INT64, ModelInput.DYNAMIC, ModelInput.DYNAMIC);
  private static final ModelInput MASK =
      ModelInput.of("attention_mask", ElementType.INT64, ModelInput.DYNAMIC, ModelInput.DYNAMIC);

  @TempDir Path folder;

  private static TrainingData open(Path path, ModelInput... inputs) {
    return TrainingData.open(path, List.of(inputs), SamplesOptions.defaults());
  }

  /**
   * A loader gives what evaluation reads from the same files: same names, types, shapes and bits.
   */
  private static void assertAsEvaluated(Path path, int count, int batchSize, ModelInput... inputs) {
    DataSet plain = Samples.open(path, List.of(inputs), SamplesOptions.defaults());
    InputBinding binding = InputBinding.of(List.of(inputs));
    Dataset dataset = Dataset.of(plain.evaluation().limit(count));
    DataLoader loader =
        DataLoader.builder(dataset).inputs(binding).batchSize(batchSize).workers(2).build();
    int seen = 0;
    try (Epoch epoch = loader.epoch(0);
        Batches wanted = Batches.of(plain.evaluation().limit(count), binding, batchSize)) {
      while (epoch.hasNext()) {
        try (Batch batch = epoch.next()) {
          dev.octet.quantize.data.Batch right = wanted.next();
          assertThat(batch.inputs().keySet()).isEqualTo(right.feeds().keySet());
          right
              .feeds()
              .forEach(
                  (name, tensor) -> {
                    long[] shape = Arrays.stream(tensor.shape()).asLongStream().toArray();
                    assertThat(Tensors.shape(batch.inputs().get(name))).isEqualTo(shape);
                    assertThat(Tensors.toFloats(batch.inputs().get(name)))
                        .isEqualTo(tensor.toFloats());
                  });
          assertThat(Tensors.toLongs(batch.labels()))
              .isEqualTo(
                  IntStream.range(0, right.size())
                      .mapToLong(i -> right.label(i).orElseThrow())
                      .toArray());
          seen += batch.size();
        }
      }
      assertThat(wanted.hasNext()).isFalse();
    }
    assertThat(seen).isEqualTo(count);
  }

  private static long[] labels(Dataset dataset) {
    return IntStream.range(0, dataset.size()).mapToLong(dataset::label).toArray();
  }

  @Test
  void readsCifar10InItsTwoParts() {
    Fixtures.write(folder.resolve("data_batch_1.bin"), Fixtures.cifar(3, 1, 4));
    Fixtures.write(folder.resolve("data_batch_2.bin"), Fixtures.cifar(2));
    Fixtures.write(folder.resolve("test_batch.bin"), Fixtures.cifar(9, 8));
    TrainingData data = open(folder, PICTURE);
    assertThat(labels(data.training())).containsExactly(3, 1, 4, 2);
    assertThat(labels(data.evaluation())).containsExactly(9, 8);
    assertThat(data.sameSet()).isFalse();
    assertThat(data.preprocessing().orElseThrow().name()).isEqualTo("cifar10");
    assertAsEvaluated(folder, 2, 2, PICTURE);
  }

  @Test
  void readsAFolderOfImagesResizedAndCropped() {
    for (int i = 0; i < 5; i++) {
      Fixtures.png(folder.resolve("class" + i % 2 + "/" + i + ".png"), 40 + 3 * i, 50 - i, i << 8);
    }
    TrainingData data = open(folder, PICTURE);
    assertThat(labels(data.training())).containsExactly(0, 0, 0, 1, 1);
    assertThat(data.sameSet()).isTrue();
    assertThat(data.evaluation()).isSameAs(data.training());
    assertAsEvaluated(folder, 5, 3, PICTURE);
  }

  @Test
  void keepsDecodedImagesWhileThereIsRoom() throws Exception {
    for (int i = 0; i < 3; i++) {
      Fixtures.png(folder.resolve("a/" + i + ".png"), 32, 32, 7);
    }
    Samples samples =
        Samples.open(folder, List.of(PICTURE), SamplesOptions.defaults()).calibration();
    // An image of exactly the crop's size keeps its 32 x 32 x 3 bytes.
    Dataset two = Dataset.of(samples, 2 * 32 * 32 * 3);
    Dataset none = Dataset.of(samples, 0);
    Example first = two.get(0);
    two.get(1);
    two.get(2);
    for (int i = 0; i < 3; i++) {
      Files.delete(folder.resolve("a/" + i + ".png"));
    }
    assertThat(two.get(0)).isSameAs(first);
    assertThat(two.get(1).label()).isZero();
    assertThatThrownBy(() -> two.get(2))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("2.png");
    assertThatThrownBy(() -> none.get(0)).hasMessageContaining("0.png");
    assertThatThrownBy(() -> Dataset.of(samples, -1))
        .hasMessage("cache is -1 bytes; choose 0 or more");
  }

  @Test
  void readsArraysNamedAfterInputs() {
    Fixtures.npy(folder.resolve("left.npy"), "(3, 2)", 1f, 2, 3, 4, 5, 6);
    Fixtures.npy(folder.resolve("right.npy"), "(3, 1)", 7L, 8, 9);
    Fixtures.npy(folder.resolve("labels.npy"), "(3,)", 0L, 1, 2);
    ModelInput left = ModelInput.of("left", ElementType.FLOAT32, ModelInput.DYNAMIC, 2);
    ModelInput right = ModelInput.of("right", ElementType.INT64, ModelInput.DYNAMIC, 1);
    assertAsEvaluated(folder, 3, 2, left, right);
    Dataset dataset = open(folder, left, right).training();
    try (Epoch epoch = DataLoader.builder(dataset).build().epoch(0);
        Batch batch = epoch.next()) {
      assertThat(batch.inputs()).containsOnlyKeys("left", "right");
      assertThat(Tensors.toLongs(batch.inputs().get("right"))).containsExactly(7, 8, 9);
      assertThatThrownBy(batch::input)
          .hasMessage("the batch has the inputs [left, right]; take one by its name");
    }
    Augmentation flip = Augmentation.horizontalFlip(1);
    try (Epoch epoch = DataLoader.builder(dataset).augment(flip).build().epoch(0)) {
      assertThatThrownBy(epoch::next)
          .hasMessage(
              "augmentation is for images, and sample '"
                  + dataset.get(0).origin()
                  + "' holds arrays; leave it out");
    }
  }

  @Test
  void padsAndMasksTokensToTheLongestOfABatch() {
    Path csv =
        Fixtures.write(
            folder.resolve("tokens.csv"),
            "1,5,6,7\n0,8\n1,9,10\n".getBytes(StandardCharsets.US_ASCII));
    Dataset dataset = open(csv, IDS, MASK).training();
    InputBinding binding = InputBinding.of(List.of(IDS, MASK));
    try (Epoch epoch = DataLoader.builder(dataset).inputs(binding).build().epoch(0);
        Batch batch = epoch.next()) {
      assertThat(Tensors.shape(batch.inputs().get("input_ids"))).containsExactly(3, 3);
      assertThat(Tensors.toLongs(batch.inputs().get("input_ids")))
          .containsExactly(5, 6, 7, 8, 0, 0, 9, 10, 0);
      assertThat(Tensors.toLongs(batch.inputs().get("attention_mask")))
          .containsExactly(1, 1, 1, 1, 0, 0, 1, 1, 0);
      assertThat(Tensors.toLongs(batch.labels())).containsExactly(1, 0, 1);
    }
    InputBinding idsOnly = InputBinding.of(List.of(IDS));
    try (Epoch epoch = DataLoader.builder(dataset).inputs(idsOnly).build().epoch(0)) {
      assertThatThrownBy(epoch::next)
          .isInstanceOf(DataException.class)
          .hasMessage(
              "samples 'tokens.csv:1' and on have 1 to 3 tokens, and the model has no mask input to"
                  + " hide padding with; train with batches of 1, or give texts of one length");
    }
    try (Epoch epoch = DataLoader.builder(dataset).inputs(idsOnly).batchSize(1).build().epoch(0)) {
      epoch.next().close();
      try (Batch second = epoch.next()) {
        assertThat(Tensors.toLongs(second.input())).containsExactly(8);
      }
    }
    try (Epoch epoch = DataLoader.builder(dataset).build().epoch(0)) {
      assertThatThrownBy(epoch::next)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("give the loader an InputBinding");
    }
  }

  @Test
  void wantsALabelForEachSample() {
    Path array = Fixtures.npy(folder.resolve("x.npy"), "(2, 1)", 1f, 2);
    assertThatThrownBy(() -> open(array))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("sample 'x.npy[0]' has no label, and training needs one for each");
    Path images = folder.resolve("images");
    Fixtures.png(images.resolve("3_dog.png"), 8, 8, 1);
    Fixtures.png(images.resolve("cat.png"), 8, 8, 1);
    assertThatThrownBy(() -> open(images))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("sample 'cat.png' has no label, and training needs one for each");
  }

  @Test
  void saysWhatIsWrongWithFiles() throws Exception {
    assertThatThrownBy(() -> open(folder.resolve("none"))).isInstanceOf(DataException.class);
    Path cut = Fixtures.write(folder.resolve("cut.bin"), Arrays.copyOf(Fixtures.cifar(1, 2), 5000));
    assertThatThrownBy(() -> open(cut))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("'cut.bin[1]' ends after 1927 of 3073 bytes");
    Path label = Fixtures.write(folder.resolve("label.bin"), Fixtures.cifar(1, 10));
    assertThatThrownBy(() -> open(label))
        .hasMessage("'label.bin[1]' has label 10; CIFAR-10 has 0 to 9");
    Path empty = Fixtures.npy(folder.resolve("e/x.npy"), "(0, 1)", new float[0]).getParent();
    Fixtures.npy(empty.resolve("labels.npy"), "(0,)", new long[0]);
    ModelInput x = ModelInput.of("x", ElementType.FLOAT32, ModelInput.DYNAMIC, 1);
    assertThatThrownBy(() -> open(empty, x))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("there is no sample in ");
    assertThatThrownBy(() -> Dataset.of())
        .hasMessage("there is no sample in 0 examples in memory; give one or more");
    Path broken = folder.resolve("broken");
    Fixtures.png(broken.resolve("a/1.png"), 8, 8, 1);
    Fixtures.write(broken.resolve("a/2.png"), new byte[] {1, 2, 3});
    DataLoader loader = DataLoader.builder(open(broken, PICTURE).training()).build();
    try (Epoch epoch = loader.epoch(0)) {
      assertThatThrownBy(epoch::next)
          .isInstanceOf(DataException.class)
          .hasMessageStartingWith("'2.png' is in no known image format");
    }
  }

  @Test
  void splitsWithoutOverlapAndRepeatably() {
    Dataset all = Fixtures.noise(20, 4, Preprocessing.unit());
    Dataset.Split split = all.split(0.7, 3);
    assertThat(split.first().size()).isEqualTo(14);
    long[] both =
        IntStream.concat(
                Arrays.stream(labels(split.first())).mapToInt(i -> (int) i),
                Arrays.stream(labels(split.second())).mapToInt(i -> (int) i))
            .sorted()
            .asLongStream()
            .toArray();
    assertThat(both).isEqualTo(labels(all));
    assertThat(labels(all.split(0.7, 3).first())).isEqualTo(labels(split.first()));
    assertThat(labels(all.split(0.7, 4).first())).isNotEqualTo(labels(split.first()));
    assertThat(labels(all.shuffled(1))).isNotEqualTo(labels(all)).hasSize(20);
    assertThat(labels(all.subset(4, 4, 0))).containsExactly(4, 4, 0);
    assertThat(labels(all.range(18, 20))).containsExactly(18, 19);
    assertThat(all.subset(7).get(0)).isSameAs(all.get(7));
    assertThatThrownBy(() -> all.subset(20))
        .hasMessage("sample 20 is not there; the set has 0 to 19");
    assertThatThrownBy(() -> all.subset())
        .hasMessage("the subset is empty; choose one or more samples");
    assertThatThrownBy(() -> all.range(3, 3))
        .hasMessage("range is 3 to 3; choose one or more of 20 samples");
    assertThatThrownBy(() -> all.split(0.01, 1))
        .hasMessage("share is 0.01 of 20 samples; leave one or more on either side");
  }

  @Test
  void refusesAModelWithAState() {
    Dataset all = Fixtures.noise(2, 4, Preprocessing.unit());
    ModelInput state = ModelInput.of("h", ElementType.FLOAT32, 1, 4);
    InputBinding recurrent =
        InputBinding.of(List.of(PICTURE, state), new Feedback(Map.of("h_out", "h")));
    assertThatThrownBy(() -> DataLoader.builder(all).inputs(recurrent).build())
        .hasMessage(
            "the model keeps a state between samples; samples in batches do not train that");
  }

  @Test
  void realCifar10IsAsEvaluated() {
    assertAsEvaluated(SharedFolder.require("data/cifar10/test.bin.gz"), 500, 64, PICTURE);
  }

  @Test
  void realMnistIsAsEvaluated() {
    Path file = SharedFolder.require("data/mnist/t10k-images-idx3-ubyte.gz");
    ModelInput grey = ModelInput.of("x", ElementType.FLOAT32, ModelInput.DYNAMIC, 1, 28, 28);
    assertAsEvaluated(file, 300, 100, grey);
  }

  @Test
  void realImagesAreAsEvaluated() {
    Path images = SharedFolder.require("data/imagenet");
    ModelInput picture = ModelInput.of("x", ElementType.FLOAT32, ModelInput.DYNAMIC, 3, 224, 224);
    assertAsEvaluated(images, 6, 4, picture);
  }

  @Test
  void realTokensAreAsEvaluated() {
    Path csv = SharedFolder.require("data/sst2/test-tokens.csv");
    ModelInput ids = ModelInput.of("input_ids", ElementType.INT64, ModelInput.DYNAMIC, 64);
    ModelInput mask = ModelInput.of("attention_mask", ElementType.INT64, ModelInput.DYNAMIC, 64);
    assertAsEvaluated(csv, 100, 32, ids, mask);
  }
}
