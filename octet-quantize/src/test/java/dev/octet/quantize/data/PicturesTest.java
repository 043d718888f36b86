package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images in any order hold what the pass over samples gives, before it is prepared. */
class PicturesTest {

  @TempDir Path folder;

  @BeforeEach
  void writeFiles() {
    DataFiles.write(folder.resolve("cifar/data_batch_1.bin"), DataFiles.cifar(3, 1));
    DataFiles.write(
        folder.resolve("cifar/data_batch_2.bin"), DataFiles.gzip(DataFiles.cifar(4, 5)));
    DataFiles.write(folder.resolve("images/cat/a.png"), DataFiles.png(300, 400, 0x102030));
    DataFiles.write(folder.resolve("images/dog/b.png"), DataFiles.png(310, 290, 0xffeedd));
    byte[] grey = {1, 2, 3, 4, 5, 6, 7, 8};
    DataFiles.write(
        folder.resolve("mnist/images-idx3-ubyte"), DataFiles.idx(new int[] {2, 2, 2}, grey));
    DataFiles.write(
        folder.resolve("mnist/labels-idx1-ubyte"), DataFiles.idx(new int[] {2}, new byte[] {7, 9}));
  }

  private Samples open(String name) {
    return Samples.open(folder.resolve(name), List.of(), SamplesOptions.defaults()).calibration();
  }

  private static void assertSame(Samples samples, int size) {
    Pictures pictures = samples.pictures().orElseThrow();
    assertThat(pictures.size()).isEqualTo(size);
    int index = 0;
    for (Sample sample : samples) {
      assertThat(pictures.get(index).prepared(pictures.preprocessing())).isEqualTo(sample);
      assertThat(pictures.label(index)).isEqualTo(sample.label());
      assertThat(pictures.origin(index)).isEqualTo(sample.origin());
      index++;
    }
    assertThat(index).isEqualTo(size);
  }

  @Test
  void areThoseOfThePassInEachFormat() {
    assertSame(open("cifar"), 4);
    assertSame(open("mnist"), 2);
    assertSame(open("images"), 2);
  }

  @Test
  void followASelection() {
    assertSame(open("cifar").skip(1).limit(2), 2);
    assertSame(open("cifar").spread(2), 2);
    assertSame(open("images").skip(1), 1);
  }

  @Test
  void knowWhetherTheyAreInMemory() {
    assertThat(open("images").pictures().orElseThrow().areDecodedOnDemand()).isTrue();
    assertThat(open("cifar").pictures().orElseThrow().areDecodedOnDemand()).isFalse();
  }

  @Test
  void areAbsentForArrays() {
    Path file =
        DataFiles.write(
            folder.resolve("x.npy"), DataFiles.npy("<f4", false, "(2, 1)", DataFiles.floats(1, 2)));
    assertThat(Samples.npy(file).pictures()).isEmpty();
  }

  @Test
  void sayWhichRecordIsCutShort() {
    byte[] whole = DataFiles.cifar(3, 1);
    Path file = DataFiles.write(folder.resolve("cut.bin"), Arrays.copyOf(whole, 4000));
    Samples samples = Samples.cifar10(file, Preprocessing.cifar10());
    assertThatThrownBy(samples::pictures)
        .isInstanceOf(DataException.class)
        .hasMessage(
            "'cut.bin[1]' ends after 927 of 3073 bytes; the file is cut short, get it again");
  }

  @Test
  void resizeAsTheFirstStepOfThePreprocessing() {
    Picture picture = open("images").pictures().orElseThrow().get(0);
    Picture resized = picture.resized(Preprocessing.imagenet());
    assertThat(resized.image().width()).isEqualTo(256);
    assertThat(resized.image().height()).isEqualTo(341);
    assertThat(resized.image().at(5, 5, PixelImage.Tone.BLUE)).isEqualTo(0x30);
    assertThat(resized.label()).isEqualTo(OptionalInt.of(0));
  }

  @Test
  void refuseImagesOfNoSize() {
    assertThatThrownBy(() -> new PixelImage(0, 2, 3, new byte[0]))
        .hasMessage("image is 0 x 2 with 3 channels; choose 1 pixel or more, and 1 or 3 channels");
    assertThatThrownBy(() -> new PixelImage(1, 1, 1, new byte[1]).resized(0, 1))
        .hasMessage("size is 0 x 1; choose 1 or more for each");
  }
}
