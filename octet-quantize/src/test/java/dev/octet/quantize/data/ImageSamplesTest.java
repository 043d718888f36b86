package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageSamplesTest {

  private static final ModelInput INPUT = ModelInput.of("x", ElementType.FLOAT32, -1, 3, 2, 2);

  @TempDir Path folder;

  private Path image(String name) {
    return DataFiles.write(folder.resolve(name), DataFiles.png(2, 2, 0x102030));
  }

  private List<String> read(SamplesOptions options) {
    List<String> found = new ArrayList<>();
    for (Sample sample : Samples.open(folder, List.of(INPUT), options).evaluation()) {
      OptionalInt label = sample.label();
      found.add(sample.origin() + "=" + (label.isPresent() ? label.getAsInt() : "none"));
    }
    return found;
  }

  @Test
  void subFoldersAreClassesInAlphabeticalOrder() {
    image("dog/1.png");
    image("cat/2.png");
    image("cat/deep/3.png");
    assertThat(read(SamplesOptions.defaults()))
        .containsExactly("cat/2.png=0", "cat/deep/3.png=0", "dog/1.png=1");
  }

  @Test
  void subFoldersThatAreNumbersAreTheLabels() {
    image("7/1.png");
    image("12/2.png");
    assertThat(read(SamplesOptions.defaults())).containsExactly("12/2.png=12", "7/1.png=7");
  }

  @Test
  void classesAreNumberedOverTheTrainingAndTheTestPart() {
    image("train/ant/1.png");
    image("train/bee/1.png");
    image("test/bee/1.png");
    assertThat(read(SamplesOptions.defaults())).containsExactly("bee/1.png=1");
  }

  @Test
  void leadingNumbersAreLabelsButDatesAndCountersAreNot() {
    image("0230_n02105855.png");
    image("2021-05-03.png");
    image("17.png");
    assertThat(read(SamplesOptions.defaults()))
        .containsExactly("0230_n02105855.png=230", "17.png=none", "2021-05-03.png=none");
  }

  @Test
  void aLabelListWinsOverNames() {
    image("3_a.png");
    image("4_b.png");
    image("5_c.png");
    DataFiles.write(
        folder.resolve("labels.csv"),
        "file,label\n3_a.png,30\n4_b.png, 40\n".getBytes(StandardCharsets.UTF_8));
    assertThat(read(SamplesOptions.defaults()))
        .containsExactly("3_a.png=30", "4_b.png=40", "5_c.png=none");
  }

  @Test
  void unreadableImagesAreSkippedAndTold() {
    image("a.png");
    DataFiles.write(folder.resolve("b.jpg"), new byte[] {1, 2, 3});
    DataFiles.write(folder.resolve("c.webp"), "RIFF".getBytes(StandardCharsets.US_ASCII));
    List<String> told = new ArrayList<>();
    assertThat(read(SamplesOptions.defaults().withSkipPolicy(SkipPolicy.reportingTo(told::add))))
        .containsExactly("a.png=none");
    assertThat(told)
        .containsExactly(
            "skipped: 'b.jpg' is in no known image format; convert it to JPEG or PNG",
            "skipped: 'c.webp' is in no known image format; convert it to JPEG or PNG");
    assertThatThrownBy(() -> read(SamplesOptions.defaults().withSkipPolicy(SkipPolicy.strict())))
        .hasMessage("'b.jpg' is in no known image format; convert it to JPEG or PNG");
  }

  @Test
  void anImageOverThePixelLimitIsNotDecoded() {
    image("a.png");
    SamplesOptions options =
        SamplesOptions.defaults().withMaxPixels(3).withSkipPolicy(SkipPolicy.strict());
    assertThatThrownBy(() -> read(options))
        .hasMessage("'a.png' is 2 x 2 pixels; up to 3 in all are decoded");
  }

  @Test
  void greyImagesKeepTheirValues() {
    BufferedImage grey = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_GRAY);
    grey.getRaster().setSample(0, 0, 0, 100);
    grey.getRaster().setSample(1, 0, 0, 200);
    BufferedImage deep = new BufferedImage(1, 1, BufferedImage.TYPE_USHORT_GRAY);
    deep.getRaster().setSample(0, 0, 0, 0x64ff);
    Path file = DataFiles.write(folder.resolve("g.png"), DataFiles.png(grey));
    PixelImage image = ImageDecoder.decode(file, 10);
    assertThat(image.channels).isEqualTo(1);
    assertThat(image.pixels).containsExactly(100, (byte) 200);
    file = DataFiles.write(folder.resolve("d.png"), DataFiles.png(deep));
    assertThat(ImageDecoder.decode(file, 10).pixels).containsExactly(0x64);
  }

  @Test
  void selectionsDoNotDecodeWhatTheyLeaveOut() {
    DataFiles.write(folder.resolve("a.png"), new byte[] {1});
    image("b.png");
    Samples samples = Samples.images(folder, Preprocessing.raw());
    assertThat(samples.skip(1).iterator().next().origin()).isEqualTo("b.png");
    assertThat(samples.skip(1).skip(1).iterator().hasNext()).isFalse();
    assertThat(samples.limit(0).size().orElse(-1)).isZero();
  }
}
