package dev.octet.core.recipe;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How images become tensors, as a recipe writes it; what is null is left to the preset, or where
 * there is none to the data and the model.
 *
 * @param preset a preset to start from
 * @param resize length of the shorter side after resizing, in pixels
 * @param crop side of the square cut from the centre, in pixels
 * @param layout {@code nchw} or {@code nhwc}
 * @param channels {@code rgb} or {@code bgr}
 * @param scale what an 8-bit value of 255 becomes before mean and std: 1 or 255
 * @param mean subtracted, one for each channel
 * @param std divided by, one for each channel
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

  public PreprocessingSpec {
    mean = mean == null ? null : List.copyOf(mean);
    std = std == null ? null : List.copyOf(std);
  }
}
