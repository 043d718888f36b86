package dev.octet.quantize.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DemoImagesTest {
  private final DemoImages images = new DemoImages(DemoImages.EVALUATION_SEED);

  /**
   * Red here means that the images changed, and with them every documented accuracy of the demo
   * model.
   */
  @Test
  void theEvaluationImagesAreTheSameBytesOnEveryMachine() throws NoSuchAlgorithmException {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    for (int i = 0; i < 2000; i++) {
      digest.update((byte) images.label(i));
      digest.update(images.image(i));
    }
    assertThat(HexFormat.of().formatHex(digest.digest()))
        .isEqualTo("3b23e68e485078516cc4911cb6380d70b67483afdf2218433be060a5db22c350");
  }

  @Test
  void anImageIsTheSameHoweverOftenAndInWhateverOrderItIsDrawn() {
    byte[][] forward = IntStream.range(0, 40).mapToObj(images::image).toArray(byte[][]::new);
    byte[][] parallel =
        IntStream.range(0, 40)
            .parallel()
            .mapToObj(i -> new DemoImages(DemoImages.EVALUATION_SEED).image(i))
            .toArray(byte[][]::new);
    for (int i = 39; i >= 0; i--) {
      assertThat(images.image(i)).isEqualTo(forward[i]).isEqualTo(parallel[i]);
    }
  }

  @Test
  void noTwoImagesAreAlikeWithinOrAcrossTheThreeCollections() {
    Set<Integer> seen = new HashSet<>();
    long[] seeds = {
      DemoImages.TRAINING_SEED, DemoImages.CALIBRATION_SEED, DemoImages.EVALUATION_SEED
    };
    for (long seed : seeds) {
      DemoImages collection = new DemoImages(seed);
      for (int i = 0; i < 300; i++) {
        seen.add(Arrays.hashCode(collection.image(i)));
      }
    }
    assertThat(seen).hasSize(900);
  }

  @Test
  void everyClassIsEquallyFrequent() {
    int[] counts = new int[DemoImages.CLASSES];
    for (int i = 0; i < 100 * DemoImages.CLASSES; i++) {
      counts[images.label(i)]++;
    }
    assertThat(counts).containsOnly(100);
  }

  @Test
  void everyClassHasItsOwnName() {
    assertThat(DemoImages.classNames())
        .hasSize(DemoImages.CLASSES)
        .doesNotHaveDuplicates()
        .startsWith("disc", "ring")
        .endsWith("dots");
  }

  @Test
  void anImageHasThreeChannelsThatUseTheRangeOfAByte() {
    int[] least = {255, 255, 255};
    int[] most = {0, 0, 0};
    for (int i = 0; i < 100; i++) {
      byte[] image = images.image(i);
      assertThat(image).hasSize(3 * 32 * 32);
      for (int p = 0; p < image.length; p++) {
        least[p / 1024] = Math.min(least[p / 1024], image[p] & 0xFF);
        most[p / 1024] = Math.max(most[p / 1024], image[p] & 0xFF);
      }
    }
    assertThat(least).containsOnly(0);
    assertThat(most).containsOnly(255);
  }

  @Test
  void theLastIndexIsAnImageToo() {
    assertThat(images.image(Integer.MAX_VALUE)).hasSize(3072);
  }

  @Test
  void aNegativeIndexIsRefused() {
    assertThatThrownBy(() -> images.image(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("image index is -1; choose 0 or more");
    assertThatThrownBy(() -> images.label(-7))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("image index is -7; choose 0 or more");
  }
}
