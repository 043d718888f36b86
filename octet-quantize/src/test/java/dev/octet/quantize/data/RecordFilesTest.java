package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordFilesTest {

  @TempDir Path folder;

  private Path file(String name, byte[] bytes) {
    return DataFiles.write(folder.resolve(name), bytes);
  }

  private Path text(String name, String text) {
    return file(name, text.getBytes(StandardCharsets.US_ASCII));
  }

  private static List<Integer> labels(Samples samples) {
    List<Integer> labels = new ArrayList<>();
    samples.forEach(sample -> labels.add(sample.label().orElse(-1)));
    return labels;
  }

  private DataSet open(Path path) {
    return Samples.open(path, List.of(), SamplesOptions.defaults());
  }

  @Test
  void cifarReadsTheSamePlainAndGzip() {
    Path plain = file("a.bin", DataFiles.cifar(3, 9));
    Path packed = file("b.bin.gz", DataFiles.gzip(DataFiles.cifar(3, 9)));
    for (Path path : List.of(plain, packed)) {
      Samples samples = Samples.cifar10(path, Preprocessing.raw());
      assertThat(samples.size()).isEqualTo(OptionalLong.of(2));
      assertThat(labels(samples)).containsExactly(3, 9);
      float[] values = samples.iterator().next().inputs().get(Sample.ONLY).floats();
      assertThat(new float[] {values[0], values[1023], values[1024], values[3071]})
          .containsExactly(10, 10, 20, 30);
    }
  }

  @Test
  void theFilesOfCifarsOwnArchiveAreSplitByName() {
    file("data_batch_1.bin", DataFiles.cifar(1));
    file("data_batch_2.bin", DataFiles.cifar(2));
    file("test_batch.bin", DataFiles.cifar(3));
    DataSet data = open(folder);
    assertThat(labels(data.calibration())).containsExactly(1, 2);
    assertThat(labels(data.evaluation())).containsExactly(3);
    assertThat(data.sameSet()).isFalse();
  }

  @Test
  void aCutRecordIsAnErrorThatNamesIt() {
    Path path = file("a.bin", Arrays.copyOf(DataFiles.cifar(1, 2), 4000));
    assertThatThrownBy(() -> labels(Samples.cifar10(path, Preprocessing.raw())))
        .isInstanceOf(DataException.class)
        .hasMessage("'a.bin[1]' ends after 927 of 3073 bytes; the file is cut short, get it again");
    byte[] packed = DataFiles.gzip(DataFiles.cifar(1, 2));
    Path cut = file("b.bin.gz", Arrays.copyOf(packed, packed.length / 2));
    assertThatThrownBy(() -> labels(Samples.cifar10(cut, Preprocessing.raw())))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("cannot be read: it is cut short");
  }

  @Test
  void impossibleLabelsAreSkippedUpToTheLimitAndTold() {
    Path path = file("a.bin", DataFiles.cifar(1, 10, 2, 200));
    List<String> told = new ArrayList<>();
    SamplesOptions two = SamplesOptions.defaults().withSkipPolicy(new SkipPolicy(2, told::add));
    assertThat(labels(Samples.open(path, List.of(), two).calibration())).containsExactly(1, 2);
    assertThat(told)
        .containsExactly(
            "skipped: 'a.bin[1]' has label 10; CIFAR-10 has 0 to 9",
            "skipped: 'a.bin[3]' has label 200; CIFAR-10 has 0 to 9");
    SamplesOptions one = SamplesOptions.defaults().withSkipPolicy(new SkipPolicy(1, told::add));
    assertThatThrownBy(() -> labels(Samples.open(path, List.of(), one).calibration()))
        .hasMessage(
            "2 samples cannot be read and at most 1 may be skipped; the first: 'a.bin[1]' has label"
                + " 10; CIFAR-10 has 0 to 9; 'a.bin[3]' has label 200; CIFAR-10 has 0 to 9");
  }

  @Test
  void idxImagesMeetTheirLabels() {
    file("t10k-images-idx3-ubyte", DataFiles.idx(new int[] {2, 1, 2}, new byte[] {0, 51, 102, -1}));
    file("t10k-labels-idx1-ubyte", DataFiles.idx(new int[] {2}, new byte[] {4, 5}));
    DataSet data =
        Samples.open(
            folder,
            List.of(ModelInput.of("x", ElementType.FLOAT32, -1, 1, 1, 2)),
            SamplesOptions.defaults().adjusting(how -> how.toBuilder().mean(0).std(1).build()));
    assertThat(labels(data.calibration())).containsExactly(4, 5);
    assertThat(data.sameSet()).isTrue();
    assertThat(data.calibration().skip(1).iterator().next().inputs().get(Sample.ONLY).floats())
        .containsExactly(0.4f, 1f);
  }

  @Test
  void idxFilesThatDoNotBelongTogetherAreRefused() {
    Path images = file("images-idx3", DataFiles.idx(new int[] {2, 1, 1}, new byte[2]));
    Path labels = file("labels-idx1", DataFiles.idx(new int[] {3}, new byte[3]));
    assertThatThrownBy(() -> Samples.mnist(images, labels, Preprocessing.mnist()).iterator())
        .hasMessageContaining("has 2 images, ")
        .hasMessageEndingWith("3 labels; give files that belong together");
    Path huge = file("huge-idx3", DataFiles.idx(new int[] {1, 1 << 30, 1 << 30}, new byte[2]));
    assertThatThrownBy(() -> Samples.mnist(huge, labels, Preprocessing.mnist()).iterator())
        .hasMessageEndingWith("1073741824x1073741824 pixels; sides of 1 to 4096 are read");
    assertThatThrownBy(() -> Samples.mnist(labels, images, Preprocessing.mnist()).iterator())
        .hasMessageEndingWith("begins with 2049, an idx file of images with 2051");
  }

  @Test
  void tokenLinesMayEndInAnyWayAndBadOnesAreNamed() {
    Path path = text("tokens.csv", "1, 2,3\r\n\n0,5\n1,x\n0,-4\n1,6");
    assertThat(labels(open(path).calibration())).containsExactly(1, 0, 1);
    assertThatThrownBy(() -> labels(Samples.tokens(path)))
        .hasMessage(
            "'tokens.csv:4' has 'x' where a label or token id belongs; write whole numbers from 0,"
                + " with commas");
  }

  @Test
  void anUnknownPathSaysWhatIsKnown() {
    assertThatThrownBy(() -> open(text("notes.txt", "hello")))
        .hasMessageContaining("is nothing that is known; give a folder of images, CIFAR-10");
    assertThatThrownBy(() -> open(folder.resolve("nowhere")))
        .hasMessageEndingWith("nowhere' does not exist; give a file or folder of samples");
  }

  @Test
  void selectionsAreCutFromTheWhole() {
    Path path = file("a.bin", DataFiles.cifar(0, 1, 2, 3, 4, 5, 6));
    Samples samples = Samples.cifar10(path, Preprocessing.raw());
    assertThat(labels(samples.skip(2).limit(3))).containsExactly(2, 3, 4);
    assertThat(labels(samples.spread(3))).containsExactly(0, 2, 4);
    assertThat(labels(samples.limit(99))).hasSize(7);
    assertThat(samples.skip(2).limit(3).size()).isEqualTo(OptionalLong.of(3));
    assertThat(samples.spread(3).size()).isEqualTo(OptionalLong.of(3));
    assertThat(samples.skip(9).size()).isEqualTo(OptionalLong.of(0));
  }
}
