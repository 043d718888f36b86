package dev.octet.quantize.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.quantize.data.Preprocessing.Channels;
import dev.octet.quantize.data.Preprocessing.Layout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class PreprocessingTest {

  private static PixelImage grey(int width, int height, int... values) {
    byte[] pixels = new byte[values.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) values[i];
    }
    return new PixelImage(width, height, 1, pixels);
  }

  private static PixelImage onePixel(int red, int green, int blue) {
    return new PixelImage(1, 1, 3, new byte[] {(byte) red, (byte) green, (byte) blue});
  }

  @Test
  void imagenetIsScaledThenShiftedInFloat32() {
    float[] values = ImageTensor.of(onePixel(255, 0, 51), Preprocessing.cifar10(), "x").floats();
    assertThat(values)
        .containsExactly(
            (1f - 0.485f) / 0.229f, (0f - 0.456f) / 0.224f, (51 / 255f - 0.406f) / 0.225f);
  }

  @Test
  void caffeIsBlueFirstAndNotScaled() {
    Preprocessing how = Preprocessing.imagenetCaffe().toBuilder().noCrop().noResize().build();
    assertThat(ImageTensor.of(onePixel(200, 150, 100), how, "x").floats())
        .containsExactly(100 - 104, 150 - 117, 200 - 123);
  }

  @Test
  void theCropIsCentredRoundingDown() {
    PixelImage image = grey(4, 3, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    Preprocessing how = Preprocessing.raw().toBuilder().channels(Channels.GREY).crop(2, 1).build();
    // Offsets floor(1 / 2) = 0 and floor(3 / 2) = 1.
    assertThat(ImageTensor.of(image, how, "x").floats()).containsExactly(1, 5);
  }

  @Test
  void channelsLastPutsThemSideBySide() {
    Preprocessing how = Preprocessing.raw().toBuilder().layout(Layout.NHWC).build();
    HostTensor tensor =
        ImageTensor.of(new PixelImage(2, 1, 3, new byte[] {1, 2, 3, 4, 5, 6}), how, "x");
    assertThat(tensor)
        .isEqualTo(HostTensor.ofFloats(new int[] {1, 1, 2, 3}, new float[] {1, 2, 3, 4, 5, 6}));
  }

  @Test
  void greyFillsAllChannelsAndColourHasALuma() {
    assertThat(ImageTensor.of(grey(1, 1, 9), Preprocessing.raw(), "x").floats())
        .containsExactly(9, 9, 9);
    Preprocessing luma = Preprocessing.raw().toBuilder().channels(Channels.GREY).build();
    // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
    assertThat(ImageTensor.of(onePixel(200, 100, 50), luma, "x").floats()).containsExactly(124);
  }

  @Test
  void halvingWeighsByATriangleTwoPixelsWide() {
    // Target centres at 1 and 3, support 2: weights at distance .5, .5, 1.5 are 3/8, 3/8, 1/8 over
    // 7/8 at the borders.
    PixelImage half = Resize.to(grey(4, 1, 0, 70, 140, 210), 2, 1);
    assertThat(half.at(0, 0, 0)).isEqualTo(50); // (3 * 0 + 3 * 70 + 140) / 7
    assertThat(half.at(1, 0, 0)).isEqualTo(160); // (70 + 3 * 140 + 3 * 210) / 7
  }

  @Test
  void doublingInterpolatesBetweenPixelCentres() {
    PixelImage twice = Resize.to(grey(1, 2, 0, 100), 1, 4);
    assertThat(twice.pixels).containsExactly(0, 25, 75, 100);
  }

  @Test
  void anEvenImageStaysEvenAtAnySize() {
    byte[] pixels = new byte[13 * 7];
    Arrays.fill(pixels, (byte) 201);
    PixelImage image = new PixelImage(13, 7, 1, pixels);
    for (int size = 1; size < 40; size++) {
      assertThat(Resize.to(image, size, 41 - size).pixels).containsOnly((byte) 201);
    }
  }

  @Test
  void theShorterSideIsResizedUnlessTheImageFitsAlready() {
    Preprocessing how =
        Preprocessing.raw().toBuilder().channels(Channels.GREY).resize(4).crop(2, 2).build();
    assertThat(ImageTensor.of(grey(2, 2, 1, 2, 3, 4), how, "x").floats())
        .containsExactly(1, 2, 3, 4);
    assertThat(ImageTensor.of(grey(8, 9, new int[72]), how, "x").shape())
        .containsExactly(1, 1, 2, 2);
    assertThatThrownBy(
            () -> ImageTensor.of(grey(3, 1, 1, 2, 3), how.toBuilder().noResize().build(), "x"))
        .isInstanceOf(UnreadableSampleException.class)
        .hasMessage(
            "'x' is 1x3 (height x width), smaller than the crop 2x2; set --resize to enlarge images"
                + " first");
  }

  @Test
  void theGuessFollowsTheModelsInput() {
    assertThat(guess(-1, 3, 227, 227)).isEqualTo(Preprocessing.imagenetCaffe());
    assertThat(guess(-1, 3, 224, 224)).isEqualTo(Preprocessing.imagenet());
    assertThat(guess(1, 299, 299, 3).summary())
        .startsWith("imagenet: resize 342, crop 299x299, RGB, NHWC");
    assertThat(guess(-1, 1, 32, 32).channels()).isEqualTo(Channels.GREY);
    assertThat(guess(-1, -1, -1, -1)).isEqualTo(Preprocessing.imagenet());
    assertThat(guess(-1, 10)).isEqualTo(Preprocessing.imagenet());
  }

  private static Preprocessing guess(long... dims) {
    return PreprocessingGuess.images(List.of(ModelInput.of("x", ElementType.FLOAT32, dims)));
  }

  @Test
  void everyPresetParsesAndAnUnknownOneNamesThem() {
    for (String name : Preprocessing.presets()) {
      assertThat(Preprocessing.parse(name).name()).isEqualTo(name);
    }
    assertThatThrownBy(() -> Preprocessing.parse("vgg"))
        .hasMessage(
            "preprocessing 'vgg' is not known; choose one of [imagenet, imagenet-caffe, tf,"
                + " cifar10, mnist, unit, raw]");
  }

  @Test
  void meanAndStdMustFitTheChannels() {
    assertThatThrownBy(() -> Preprocessing.builder().mean(1, 2).build())
        .hasMessage("mean has 2 and std 3 values; RGB wants 3");
    assertThatThrownBy(() -> Preprocessing.builder().std(1, 0, 1).build())
        .hasMessage("std is [1.0, 0.0, 1.0]; choose positive numbers");
    assertThat(Preprocessing.builder().channels(Channels.GREY).mean(3).build().mean())
        .containsExactly(3f);
  }
}
