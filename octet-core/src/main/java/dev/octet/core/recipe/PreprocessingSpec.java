package dev.octet.core.recipe;

import dev.octet.core.yaml.Messages;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How images become tensors, as a recipe writes it; what is null is left to the preset, or where
 * there is none to the data and the model.
 *
 * @param preset a preset to start from
 * @param resize length of the shorter side after resizing, in pixels, 1 to 16384
 * @param crop side of the square cut from the centre, in pixels, 1 to 16384
 * @param layout {@code nchw} or {@code nhwc}
 * @param channels {@code rgb}, {@code bgr} or {@code grey}
 * @param scale what an 8-bit value of 255 becomes before mean and std: 1 or 255
 * @param mean subtracted, one for each channel or one for all, in units of {@code scale}
 * @param std divided by, likewise; above 0
 */
public record PreprocessingSpec(
    @Nullable String preset,
    @Nullable Integer resize,
    @Nullable Integer crop,
    @Nullable String layout,
    @Nullable String channels,
    @Nullable Float scale,
    @Nullable List<Float> mean,
    @Nullable List<Float> std) {

  private static final int MOST_PIXELS = 1 << 14;

  /**
   * Checks each setting alone; whether they fit together is known once the preset is.
   *
   * @throws IllegalArgumentException if a setting is out of range
   */
  public PreprocessingSpec {
    if (preset != null && preset.isBlank()) {
      throw new IllegalArgumentException("the preset's name is blank; give one or leave it out");
    }
    checkSide("resize", resize);
    checkSide("crop", crop);
    checkWord("layout", layout, List.of("nchw", "nhwc"));
    checkWord("channels", channels, List.of("rgb", "bgr", "grey"));
    if (scale != null && scale != 1 && scale != 255) {
      throw new IllegalArgumentException("scale is " + scale + "; choose 1 or 255");
    }
    mean = checkChannels("mean", mean);
    std = checkChannels("std", std);
    if (std != null && std.stream().anyMatch(value -> value <= 0)) {
      throw new IllegalArgumentException("std is " + std + "; choose numbers above 0");
    }
  }

  private static void checkSide(String key, @Nullable Integer pixels) {
    if (pixels != null && (pixels < 1 || pixels > MOST_PIXELS)) {
      throw new IllegalArgumentException(
          key + " is " + pixels + " pixels; choose 1 to " + MOST_PIXELS);
    }
  }

  private static void checkWord(String key, @Nullable String word, List<String> choices) {
    if (word != null && !choices.contains(word)) {
      throw new IllegalArgumentException(
          key
              + " is '"
              + Messages.shorten(word)
              + "'; choose one of "
              + String.join(", ", choices));
    }
  }

  private static @Nullable List<Float> checkChannels(String key, @Nullable List<Float> values) {
    if (values == null) {
      return null;
    }
    if (values.isEmpty() || values.size() > 3) {
      throw new IllegalArgumentException(
          key + " has " + values.size() + " values; give one, or one for each channel");
    }
    if (!values.stream().allMatch(value -> Float.isFinite(value))) {
      throw new IllegalArgumentException(key + " is " + values + "; choose finite numbers");
    }
    return List.copyOf(values);
  }
}
