package dev.octet.quantize.data;

import dev.octet.quantize.data.Preprocessing.Channels;
import dev.octet.quantize.data.Preprocessing.Layout;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The preprocessing that a model most likely wants, from its input's shape and what the data is.
 *
 * <p>CIFAR-10 and MNIST data get the preset of that name. Images get what ImageNet models of the
 * same ancestry want: a side of 227 is Caffe's (AlexNet, SqueezeNet), everything else PyTorch's,
 * with the shorter side enlarged as 256 is to 224. One input channel means grey in 0..1.
 */
final class PreprocessingGuess {

  private static final int CAFFE_SIDE = 227;
  private static final int DEFAULT_SIDE = 224;

  private PreprocessingGuess() {}

  static Preprocessing cifar10(List<ModelInput> inputs) {
    return fitted(Preprocessing.cifar10(), inputs, false);
  }

  static Preprocessing mnist(List<ModelInput> inputs) {
    return fitted(Preprocessing.mnist(), inputs, false);
  }

  static Preprocessing images(List<ModelInput> inputs) {
    ModelInput input = picture(inputs);
    if (input == null) {
      return Preprocessing.imagenet();
    }
    boolean last = channelsLast(input);
    long channels = input.dims().get(last ? 3 : 1);
    long side = input.dims().get(last ? 1 : 2);
    Preprocessing preset =
        channels == 1
            ? Preprocessing.unit().toBuilder().channels(Channels.GREY).build()
            : side == CAFFE_SIDE ? Preprocessing.imagenetCaffe() : Preprocessing.imagenet();
    return fitted(preset, inputs, true);
  }

  /** Takes over the layout, and the size of what is cut out, from the model. */
  private static Preprocessing fitted(Preprocessing preset, List<ModelInput> inputs, boolean size) {
    ModelInput input = picture(inputs);
    if (input == null) {
      return preset;
    }
    boolean last = channelsLast(input);
    Preprocessing.Builder builder = preset.toBuilder().layout(last ? Layout.NHWC : Layout.NCHW);
    int heightAxis = last ? 1 : 2;
    if (size && input.isFixed(heightAxis) && input.isFixed(heightAxis + 1)) {
      int height = Math.toIntExact(input.dims().get(heightAxis));
      int width = Math.toIntExact(input.dims().get(heightAxis + 1));
      int longer = Math.max(height, width);
      builder
          .crop(height, width)
          .resize(longer == CAFFE_SIDE ? 256 : Math.round(longer * 256f / DEFAULT_SIDE));
    }
    return builder.build();
  }

  /** The first input that can be an image; null if none is. */
  private static @Nullable ModelInput picture(List<ModelInput> inputs) {
    return inputs.stream().filter(input -> input.rank() == 4).findFirst().orElse(null);
  }

  private static boolean channelsLast(ModelInput input) {
    long last = input.dims().get(3);
    long first = input.dims().get(1);
    return (last == 1 || last == 3) && first != 1 && first != 3;
  }
}
