package dev.octet.cli;

import dev.octet.core.recipe.PreprocessingSpec;
import dev.octet.quantize.data.Preprocessing;
import dev.octet.quantize.data.SamplesOptions;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * How images become tensors. Options win over the recipe, the recipe over a preset, and a preset
 * over what data and model suggest.
 */
final class PreprocessingOptions {
  @Option(
      names = "--preprocessing",
      paramLabel = "PRESET",
      description =
          "Start from imagenet, imagenet-caffe, tf, cifar10, mnist, unit or raw (default: guessed"
              + " from data and model, and told).")
  private @Nullable String preset;

  @Option(
      names = "--resize",
      paramLabel = "PIXELS",
      description = "Length of the shorter side after resizing; 0 leaves images as they are.")
  private @Nullable Integer resize;

  @Option(
      names = {"--crop", "--size"},
      paramLabel = "HxW",
      description = "Part cut from the centre, such as 224 or 240x320; 0 takes the whole image.")
  private @Nullable String crop;

  @Option(
      names = "--layout",
      paramLabel = "LAYOUT",
      description = "Where tensors have their channels: nchw or nhwc.")
  private Preprocessing.@Nullable Layout layout;

  @Option(
      names = "--channels",
      paramLabel = "ORDER",
      description = "Channels and their order: rgb, bgr or grey.")
  private Preprocessing.@Nullable Channels channels;

  @Option(
      names = "--range",
      paramLabel = "RANGE",
      description = "What 0..255 becomes before mean and std: unit (0..1) or byte (as it is).")
  private Preprocessing.@Nullable PixelRange range;

  @Option(
      names = "--mean",
      paramLabel = "M",
      split = ",",
      description = "Subtracted: one number, or one for each channel, separated by commas.")
  private float @Nullable [] mean;

  @Option(
      names = "--std",
      paramLabel = "S",
      split = ",",
      description = "Divides after that: likewise.")
  private float @Nullable [] std;

  /** Whether nothing is chosen here. */
  boolean none() {
    return Stream.of(preset, resize, crop, layout, channels, range, mean, std)
        .allMatch(Objects::isNull);
  }

  /** {@code options} with these choices in them. */
  SamplesOptions applyTo(SamplesOptions options, @Nullable PreprocessingSpec recipe) {
    String start = preset != null ? preset : recipe == null ? null : recipe.preset();
    SamplesOptions result = options;
    if (start != null) {
      try {
        result = result.withPreset(start);
      } catch (IllegalArgumentException e) {
        throw new OptionException("--preprocessing", e);
      }
    }
    if (recipe != null) {
      result = result.adjusting(guess -> adjusted(guess, recipe));
    }
    return result.adjusting(this::adjusted);
  }

  private Preprocessing adjusted(Preprocessing guess) {
    Preprocessing.Builder builder = guess.toBuilder();
    try {
      if (layout != null) {
        builder.layout(layout);
      }
      if (range != null) {
        builder.range(range);
      }
      if (resize != null) {
        resize(builder, resize);
      }
      if (crop != null) {
        crop(builder, crop);
      }
      if (mean != null) {
        builder.mean(mean);
      }
      if (std != null) {
        builder.std(std);
      }
      if (channels != null) {
        builder.channels(channels);
      }
      Preprocessing result = builder.build();
      return result.equals(guess) ? guess : result.toBuilder().name(guess.name() + "*").build();
    } catch (IllegalArgumentException e) {
      throw new OptionException("preprocessing options: " + e.getMessage());
    }
  }

  private static Preprocessing adjusted(Preprocessing guess, PreprocessingSpec recipe) {
    Preprocessing.Builder builder = guess.toBuilder();
    try {
      if (recipe.layout() != null) {
        builder.layout(Preprocessing.Layout.valueOf(recipe.layout().toUpperCase(Locale.ROOT)));
      }
      if (recipe.resize() != null) {
        resize(builder, recipe.resize());
      }
      if (recipe.crop() != null) {
        builder.crop(recipe.crop(), recipe.crop());
      }
      if (recipe.scale() != null) {
        builder.range(
            recipe.scale() == 1 ? Preprocessing.PixelRange.UNIT : Preprocessing.PixelRange.BYTE);
      }
      if (recipe.mean() != null) {
        builder.mean(floats(recipe.mean()));
      }
      if (recipe.std() != null) {
        builder.std(floats(recipe.std()));
      }
      if (recipe.channels() != null) {
        builder.channels(
            Preprocessing.Channels.valueOf(recipe.channels().toUpperCase(Locale.ROOT)));
      }
      return builder.name("recipe").build();
    } catch (IllegalArgumentException e) {
      throw new OptionException("the recipe's preprocessing: " + e.getMessage());
    }
  }

  private static void resize(Preprocessing.Builder builder, int pixels) {
    if (pixels == 0) {
      builder.noResize();
    } else {
      builder.resize(pixels);
    }
  }

  private static void crop(Preprocessing.Builder builder, String text) {
    if (text.equals("0")) {
      builder.noCrop();
      return;
    }
    String[] sides = text.toLowerCase(Locale.ROOT).split("x", -1);
    try {
      int height = Integer.parseInt(sides[0]);
      int width = sides.length == 1 ? height : Integer.parseInt(sides[1]);
      if (sides.length <= 2) {
        builder.crop(height, width);
        return;
      }
    } catch (NumberFormatException e) {
      // Said below, as for a third side.
    }
    throw new OptionException("--crop", "'" + text + "'", "give pixels, such as 224 or 240x320");
  }

  private static float[] floats(List<Float> values) {
    float[] result = new float[values.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = values.get(i);
    }
    return result;
  }
}
