package dev.octet.quantize.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How an image becomes a float32 tensor [1, C, H, W] or [1, H, W, C]: resize, crop, order of
 * channels, then {@code (range(p) - mean) / std} for each 8-bit value p.
 *
 * @param name what to call it in a report
 * @param resize the shorter side after resizing, in pixels, the longer in proportion; bilinear with
 *     antialiasing. Empty: no resizing. An image of exactly the crop's size is never resized
 * @param crop the part taken out of the centre, at offset floor((size - crop) / 2); empty: all of
 *     it. An image smaller than the crop is unreadable
 * @param layout where the channels are
 * @param channels which channels, in which order
 * @param range what 0..255 is scaled to before mean and std
 * @param mean subtracted from each channel, in the order of {@code channels}, in units of {@code
 *     range}
 * @param std divides each channel, likewise; positive
 */
public record Preprocessing(
    String name,
    OptionalInt resize,
    Optional<Size> crop,
    Layout layout,
    Channels channels,
    PixelRange range,
    List<Float> mean,
    List<Float> std) {

  /** A size in pixels. */
  public record Size(int height, int width) {
    public Size {
      if (height < 1 || width < 1 || height > 1 << 14 || width > 1 << 14) {
        throw new IllegalArgumentException(
            "size is " + height + " x " + width + "; choose 1 to 16384 for each");
      }
    }

    @Override
    public String toString() {
      return height + "x" + width;
    }
  }

  /** Where a tensor has its channels. */
  public enum Layout {
    /** Channels before rows and columns. */
    NCHW,
    /** Channels last. */
    NHWC
  }

  /** Which channels a tensor has. A grey image fills all of them; a colour image has a luma. */
  public enum Channels {
    /** Red, green, blue. */
    RGB,
    /** Blue, green, red, as Caffe and OpenCV have them. */
    BGR,
    /** One channel of luma. */
    GREY;

    /** What each channel of the tensor shows, in order. */
    public List<PixelImage.Tone> tones() {
      return switch (this) {
        case RGB -> List.of(PixelImage.Tone.RED, PixelImage.Tone.GREEN, PixelImage.Tone.BLUE);
        case BGR -> List.of(PixelImage.Tone.BLUE, PixelImage.Tone.GREEN, PixelImage.Tone.RED);
        case GREY -> List.of(PixelImage.Tone.GREY);
      };
    }
  }

  /** What the values 0..255 are scaled to. */
  public enum PixelRange {
    /** 0 to 1: divided by 255. */
    UNIT(255f),
    /** 0 to 255: as they are. */
    BYTE(1f);

    private final float divisor;

    PixelRange(float divisor) {
      this.divisor = divisor;
    }

    float divisor() {
      return divisor;
    }
  }

  public Preprocessing {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    int wanted = channels.tones().size();
    if (mean.size() != wanted || std.size() != wanted) {
      throw new IllegalArgumentException(
          "mean has "
              + mean.size()
              + " and std "
              + std.size()
              + " values; "
              + channels
              + " wants "
              + wanted);
    }
    if (std.stream().anyMatch(value -> !(value > 0) || value.isInfinite())) {
      throw new IllegalArgumentException("std is " + std + "; choose positive numbers");
    }
    if (mean.stream().anyMatch(value -> !Float.isFinite(value))) {
      throw new IllegalArgumentException("mean is " + mean + "; choose finite numbers");
    }
    if (resize.isPresent() && (resize.getAsInt() < 1 || resize.getAsInt() > 1 << 14)) {
      throw new IllegalArgumentException(
          "resize is " + resize.getAsInt() + "; choose 1 to 16384 pixels");
    }
  }

  /** PyTorch's ImageNet models: shorter side 256, crop 224, RGB in 0..1, mean and std. */
  public static Preprocessing imagenet() {
    return builder()
        .name("imagenet")
        .resize(256)
        .crop(224, 224)
        .mean(0.485f, 0.456f, 0.406f)
        .std(0.229f, 0.224f, 0.225f)
        .build();
  }

  /** Caffe's ImageNet models: shorter side 256, crop 227, BGR in 0..255 minus 104, 117, 123. */
  public static Preprocessing imagenetCaffe() {
    return builder()
        .name("imagenet-caffe")
        .resize(256)
        .crop(227, 227)
        .channels(Channels.BGR)
        .range(PixelRange.BYTE)
        .mean(104, 117, 123)
        .build();
  }

  /** TensorFlow's: shorter side 256, crop 224, RGB in -1..1, channels last. */
  public static Preprocessing tensorflow() {
    return builder()
        .name("tf")
        .resize(256)
        .crop(224, 224)
        .layout(Layout.NHWC)
        .mean(0.5f, 0.5f, 0.5f)
        .std(0.5f, 0.5f, 0.5f)
        .build();
  }

  /** CIFAR-10 as ImageNet's mean and std have it, at the size it is. */
  public static Preprocessing cifar10() {
    return imagenet().toBuilder().name("cifar10").noResize().noCrop().build();
  }

  /** MNIST: grey, (p / 255 - 0.1307) / 0.3081, at the size it is. */
  public static Preprocessing mnist() {
    return builder().name("mnist").channels(Channels.GREY).mean(0.1307f).std(0.3081f).build();
  }

  /** RGB in 0..1, at the size it is. */
  public static Preprocessing unit() {
    return builder().name("unit").build();
  }

  /** RGB in 0..255, at the size it is. */
  public static Preprocessing raw() {
    return builder().name("raw").range(PixelRange.BYTE).build();
  }

  /** The names that {@link #parse} knows. */
  public static List<String> presets() {
    return List.of("imagenet", "imagenet-caffe", "tf", "cifar10", "mnist", "unit", "raw");
  }

  /**
   * The preset of a name.
   *
   * @throws IllegalArgumentException if there is none, with the names there are
   */
  public static Preprocessing parse(String preset) {
    return switch (preset.trim().toLowerCase(Locale.ROOT)) {
      case "imagenet" -> imagenet();
      case "imagenet-caffe" -> imagenetCaffe();
      case "tf" -> tensorflow();
      case "cifar10" -> cifar10();
      case "mnist" -> mnist();
      case "unit" -> unit();
      case "raw" -> raw();
      default ->
          throw new IllegalArgumentException(
              "preprocessing '" + preset + "' is not known; choose one of " + presets());
    };
  }

  /** A builder that starts from {@link #unit()} without a name. */
  public static Builder builder() {
    return new Builder();
  }

  /** A builder that starts from this. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** This with the layout of {@code guess} and, where both crop, its crop and resize. */
  Preprocessing fittedTo(Preprocessing guess) {
    Builder fitted = toBuilder().layout(guess.layout);
    if (crop.isPresent() && guess.crop.isPresent()) {
      fitted.crop = guess.crop;
      fitted.resize = guess.resize;
    }
    return fitted.build();
  }

  /**
   * The tensor's value for each of the 256 pixel values, in float32 as torchvision computes it.
   *
   * @param channel its index in the order of {@link #channels()}
   */
  public float[] table(int channel) {
    float[] table = new float[256];
    float shift = mean.get(channel);
    float scale = std.get(channel);
    for (int p = 0; p < table.length; p++) {
      table[p] = (p / range.divisor() - shift) / scale;
    }
    return table;
  }

  /** One line for a report, such as {@code imagenet: resize 256, crop 224x224, RGB, NCHW, ...}. */
  public String summary() {
    return name
        + ": "
        + (resize.isPresent() ? "resize " + resize.getAsInt() + ", " : "")
        + crop.map(size -> "crop " + size + ", ").orElse("")
        + channels
        + ", "
        + layout
        + ", "
        + (range == PixelRange.UNIT ? "0..1" : "0..255")
        + ", mean "
        + mean
        + ", std "
        + std;
  }

  /** Collects settings; each keeps its value until it is set. Defaults: {@link #unit()}. */
  public static final class Builder {
    private String name = "custom";
    private OptionalInt resize = OptionalInt.empty();
    private Optional<Size> crop = Optional.empty();
    private Layout layout = Layout.NCHW;
    private Channels channels = Channels.RGB;
    private PixelRange range = PixelRange.UNIT;
    private List<Float> mean = List.of(0f, 0f, 0f);
    private List<Float> std = List.of(1f, 1f, 1f);

    private Builder() {}

    private Builder(Preprocessing from) {
      name = from.name;
      resize = from.resize;
      crop = from.crop;
      layout = from.layout;
      channels = from.channels;
      range = from.range;
      mean = from.mean;
      std = from.std;
    }

    /** What to call it in a report. */
    public Builder name(String value) {
      name = value;
      return this;
    }

    /** The shorter side after resizing, in pixels. */
    public Builder resize(int shorterSide) {
      resize = OptionalInt.of(shorterSide);
      return this;
    }

    /** No resizing. */
    public Builder noResize() {
      resize = OptionalInt.empty();
      return this;
    }

    /** The part to take out of the centre, in pixels. */
    public Builder crop(int height, int width) {
      crop = Optional.of(new Size(height, width));
      return this;
    }

    /** The whole image. */
    public Builder noCrop() {
      crop = Optional.empty();
      return this;
    }

    /** Where the channels go. */
    public Builder layout(Layout value) {
      layout = value;
      return this;
    }

    /** The channels; a mean or std that is the same for all is kept, for the new number of them. */
    public Builder channels(Channels value) {
      channels = value;
      mean = resized(mean, value.tones().size());
      std = resized(std, value.tones().size());
      return this;
    }

    /** What 0..255 is scaled to. */
    public Builder range(PixelRange value) {
      range = value;
      return this;
    }

    /** The mean of each channel, or one for all. */
    public Builder mean(float... values) {
      mean = floats(values);
      return this;
    }

    /** The standard deviation of each channel, or one for all. */
    public Builder std(float... values) {
      std = floats(values);
      return this;
    }

    /** Checks and makes the preprocessing. */
    public Preprocessing build() {
      int count = channels.tones().size();
      return new Preprocessing(
          name, resize, crop, layout, channels, range, resized(mean, count), resized(std, count));
    }

    private static List<Float> floats(float[] values) {
      ArrayList<Float> list = new ArrayList<>();
      for (float value : values) {
        list.add(value);
      }
      return list;
    }

    private static List<Float> resized(List<Float> values, int count) {
      return values.stream().distinct().count() == 1
          ? Collections.nCopies(count, values.get(0))
          : values;
    }
  }
}
