package dev.octet.torch.nn;

import dev.octet.torch.Tensors;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** What must hold for a layer's input and settings before LibTorch sees them. */
final class Inputs {
  private static final String[] SPATIAL = {"", ", L", ", H, W", ", D, H, W"};

  private Inputs() {}

  /**
   * An input {@code [N, C, spatial...]}.
   *
   * @param channels that it must have; 0 for any
   * @param like a parameter whose type it must have, if there is one
   */
  static void batched(Tensor x, int dims, long channels, @Nullable Tensor like) {
    if (x.dim() != dims + 2 || x.numel() == 0 || (channels > 0 && x.size(1) != channels)) {
      throw new IllegalArgumentException(
          "it takes [N, "
              + (channels > 0 ? channels : "C")
              + SPATIAL[dims]
              + "] with at least one element, not "
              + Tensors.describe(x)
              + (x.dim() == dims + 1 ? "; give one sample as a batch by unsqueeze(x, 0)" : ""));
    }
    floating(x, like);
  }

  /** An input of floats, of a parameter's type if there is one and no autocast converts it. */
  static void floating(Tensor x, @Nullable Tensor like) {
    ScalarType type = Tensors.type(x);
    if (!x.is_floating_point()) {
      throw new IllegalArgumentException("it computes on floats, not on " + Tensors.describe(x));
    }
    if (like != null && type != Tensors.type(like) && !torch.is_autocast_enabled(DeviceType.CPU)) {
      throw new IllegalArgumentException(
          "its parameters are " + Tensors.type(like) + ", its input is " + Tensors.describe(x));
    }
  }

  static void two(Tensor[] inputs) {
    if (inputs.length != 2) {
      throw new IllegalArgumentException("it takes 2 inputs, not " + inputs.length);
    }
  }

  /** One number for each dimension, from one for all or one for each. */
  static long[] spread(String what, long[] values, int dims, long least) {
    boolean fits = values.length == 1 || values.length == dims;
    if (!fits || Arrays.stream(values).anyMatch(value -> value < least)) {
      throw new IllegalArgumentException(
          what
              + " is "
              + Arrays.toString(values)
              + "; give 1 or "
              + dims
              + " numbers of at least "
              + least);
    }
    long[] all = Arrays.copyOf(values, dims);
    if (values.length == 1) {
      Arrays.fill(all, values[0]);
    }
    return all;
  }

  static long atLeast(long least, String what, long value) {
    if (value < least) {
      throw new IllegalArgumentException(what + " is " + value + ", not at least " + least);
    }
    return value;
  }

  static double eps(double value) {
    if (!(value >= 0)) {
      throw new IllegalArgumentException("eps is " + value + ", not at least 0");
    }
    return value;
  }

  /** As Python prints a tuple. */
  static String tuple(long[] values) {
    return Arrays.stream(values)
        .mapToObj(Long::toString)
        .collect(Collectors.joining(", ", "(", values.length == 1 ? ",)" : ")"));
  }

  static boolean all(long[] values, long value) {
    return Arrays.stream(values).allMatch(each -> each == value);
  }
}
