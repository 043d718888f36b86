package dev.octet.torch.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octet.quantize.data.PixelImage;
import dev.octet.quantize.data.PixelImage.Tone;
import dev.octet.torch.data.ImageView.Padding;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class AugmentationProperties {

  private static int[] pixels(ImageView view) {
    int[] values = new int[view.height() * view.width() * 3];
    int next = 0;
    for (int y = 0; y < view.height(); y++) {
      for (int x = 0; x < view.width(); x++) {
        for (Tone tone : new Tone[] {Tone.RED, Tone.GREEN, Tone.BLUE}) {
          values[next++] = view.at(x, y, tone);
        }
      }
    }
    return values;
  }

  private static ImageView view(int width, int height, long seed) {
    return ImageView.of(Fixtures.image(width, height, 3, seed));
  }

  @Property(tries = 100)
  void flippingTwiceIsTheImage(
      @ForAll @IntRange(min = 1, max = 12) int width,
      @ForAll @IntRange(min = 1, max = 12) int height,
      @ForAll long seed) {
    ImageView view = view(width, height, seed);
    assertThat(pixels(view.flipped().flipped())).isEqualTo(pixels(view));
    for (int x = 0; x < width; x++) {
      assertThat(view.flipped().at(x, 0, Tone.RED)).isEqualTo(view.at(width - 1 - x, 0, Tone.RED));
    }
  }

  @Property(tries = 100)
  void aCropOfTheWholeWithoutPaddingIsTheImage(
      @ForAll @IntRange(min = 1, max = 12) int width,
      @ForAll @IntRange(min = 1, max = 12) int height,
      @ForAll long seed) {
    ImageView view = view(width, height, seed);
    for (Padding padding : Padding.values()) {
      Augmentation crop = Augmentation.randomCrop(height, width, 0, padding);
      assertThat(pixels(crop.apply(view, new Random(seed)))).isEqualTo(pixels(view));
    }
  }

  @Property(tries = 200)
  void aPaddedCropShowsThePixelsOfItsPlace(
      @ForAll @IntRange(min = 1, max = 9) int width,
      @ForAll @IntRange(min = 1, max = 9) int height,
      @ForAll @IntRange(min = -4, max = 4) int top,
      @ForAll @IntRange(min = -4, max = 4) int left,
      @ForAll long seed) {
    ImageView view = view(width, height, seed);
    ImageView part = view.cropped(top, left, 5, 6, Padding.ZERO);
    for (int y = 0; y < 5; y++) {
      for (int x = 0; x < 6; x++) {
        boolean inside = top + y >= 0 && top + y < height && left + x >= 0 && left + x < width;
        assertThat(part.at(x, y, Tone.GREEN))
            .isEqualTo(inside ? view.at(left + x, top + y, Tone.GREEN) : 0);
      }
    }
  }

  @Example
  void reflectingDoesNotRepeatTheEdge() {
    ImageView row =
        ImageView.of(new PixelImage(4, 1, 1, new byte[] {10, 20, 30, 40}))
            .cropped(0, -3, 1, 10, Padding.REFLECT);
    int[] values = new int[10];
    for (int x = 0; x < values.length; x++) {
      values[x] = row.at(x, 0, Tone.GREY);
    }
    assertThat(values).containsExactly(40, 30, 20, 10, 20, 30, 40, 30, 20, 10);
    assertThatThrownBy(() -> row.cropped(-10, 0, 1, 1, Padding.REFLECT))
        .hasMessage(
            "crop from -10 to -10 reaches too far over 0 to 0 to mirror; choose less padding");
  }

  @Example
  void aRandomCropReachesEveryPlace() {
    ImageView view = view(5, 5, 1);
    Augmentation crop = Augmentation.randomCrop(4, 4, 1, Padding.ZERO);
    Set<String> seen = new HashSet<>();
    Random random = new Random(3);
    for (int i = 0; i < 500; i++) {
      seen.add(Arrays.toString(pixels(crop.apply(view, random))));
    }
    assertThat(seen).hasSize(16);
  }

  @Example
  void aFlipHappensAsOftenAsAskedFor() {
    ImageView view = view(3, 2, 1);
    int[] flipped = pixels(view.flipped());
    int count = 0;
    Random random = new Random(3);
    for (int i = 0; i < 1000; i++) {
      int[] seen = pixels(Augmentation.horizontalFlip(0.25).apply(view, random));
      count += Arrays.equals(seen, flipped) ? 1 : 0;
    }
    assertThat(count).isBetween(200, 300);
    assertThat(pixels(Augmentation.horizontalFlip(1).apply(view, random))).isEqualTo(flipped);
    assertThat(pixels(Augmentation.horizontalFlip(0).apply(view, random))).isEqualTo(pixels(view));
  }

  @Property(tries = 100)
  void aRandomResizedCropHasItsSizeAndKeepsAConstant(
      @ForAll @IntRange(min = 1, max = 60) int width,
      @ForAll @IntRange(min = 1, max = 60) int height,
      @ForAll long seed) {
    byte[] pixels = new byte[width * height * 3];
    Arrays.fill(pixels, (byte) 77);
    ImageView view = ImageView.of(new PixelImage(width, height, 3, pixels));
    ImageView part = Augmentation.randomResizedCrop(7, 9, 0.08).apply(view, new Random(seed));
    assertThat(part.height()).isEqualTo(7);
    assertThat(part.width()).isEqualTo(9);
    assertThat(pixels(part)).containsOnly(77);
  }

  @Property(tries = 20)
  void aRandomResizedCropOfAllOfASquareIsAResizeNearTheWhole(@ForAll long seed) {
    ImageView view = view(20, 20, seed);
    // Shares of exactly 1 fit only at the shape 1:1; the fallback is the whole square as well.
    ImageView part = Augmentation.randomResizedCrop(20, 20, 1).apply(view, new Random(seed));
    assertThat(pixels(part)).isEqualTo(pixels(view));
  }

  @Example
  void stepsFollowEachOther() {
    ImageView view = view(6, 6, 2);
    Augmentation both =
        Augmentation.of(
            Augmentation.horizontalFlip(1), Augmentation.randomCrop(8, 8, 1, Padding.ZERO));
    assertThat(pixels(both.apply(view, new Random(1))))
        .isEqualTo(pixels(view.flipped().cropped(-1, -1, 8, 8, Padding.ZERO)));
    assertThat(pixels(Augmentation.none().apply(view, new Random(1)))).isEqualTo(pixels(view));
  }

  @Example
  void refusesSettingsOutOfRange() {
    assertThatThrownBy(() -> Augmentation.horizontalFlip(1.5))
        .hasMessage("probability is 1.5; choose 0 to 1, both included");
    assertThatThrownBy(() -> Augmentation.randomCrop(0, 3, 0, Padding.ZERO))
        .hasMessage("crop is 0x3; choose 1 pixel or more for each side");
    assertThatThrownBy(() -> Augmentation.randomCrop(3, 3, -1, Padding.ZERO))
        .hasMessage("padding is -1; choose 0 or more");
    assertThatThrownBy(() -> Augmentation.randomResizedCrop(3, 3, 0))
        .hasMessage("least area is 0.0; choose more than 0 and at most 1");
    assertThatThrownBy(
            () ->
                Augmentation.randomCrop(9, 9, 1, Padding.ZERO).apply(view(4, 4, 0), new Random(1)))
        .hasMessage(
            "image is 4x4 (height x width), with padding 1 smaller than the crop 9x9; resize it"
                + " first");
  }
}
