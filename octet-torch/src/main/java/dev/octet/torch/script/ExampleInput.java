package dev.octet.torch.script;

import dev.octet.graph.DataType;
import java.util.Arrays;
import java.util.List;

/**
 * The element type and shape of one input of a module. Sizes are those the model will have: what a
 * module computes from shapes becomes constant.
 *
 * @param name the input's name in {@code forward}; empty to go by position
 * @param type FLOAT, DOUBLE, FLOAT16, BOOL or an integer type of 8 to 64 bits that PyTorch has
 * @param shape sizes of one or more; empty for a scalar
 */
public record ExampleInput(String name, DataType type, List<Long> shape) {

  private static final long MAX_ELEMENTS = 1L << 31;

  public ExampleInput {
    shape = List.copyOf(shape);
    if (NativeTensors.nativeType(type) == null) {
      throw new IllegalArgumentException(
          "input '" + name + "' is " + type + ", which PyTorch computes nothing with");
    }
    long elements = 1;
    for (long size : shape) {
      if (size < 1 || size > MAX_ELEMENTS / elements) {
        throw new IllegalArgumentException(
            "input '"
                + name
                + "' has shape "
                + shape
                + "; choose sizes from 1, at most 2^31 elements");
      }
      elements *= size;
    }
  }

  /** An input that goes by position. */
  public static ExampleInput of(DataType type, long... shape) {
    return new ExampleInput("", type, Arrays.stream(shape).boxed().toList());
  }

  /** The same for the input that {@code forward} calls {@code inputName}. */
  public ExampleInput named(String inputName) {
    return new ExampleInput(inputName, type, shape);
  }
}
