package dev.octet.quantize.bench;

import dev.octet.graph.Dimension;
import dev.octet.graph.Graph;
import dev.octet.graph.Value;
import dev.octet.quantize.data.DataException;
import dev.octet.quantize.data.ElementType;
import dev.octet.quantize.data.HostTensor;
import dev.octet.quantize.data.ModelInput;
import dev.octet.quantize.run.ModelInputs;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Inputs for a model that nobody gave samples for. */
public final class ExampleInputs {
  private static final int IMAGE_RANK = 4;
  private static final int IMAGE_CHANNELS = 3;
  private static final int IMAGE_SIZE = 224;
  private static final int LENGTH = 128;

  private ExampleInputs() {}

  /**
   * A shape for every input that callers must supply. The first axis, where it is open, gets {@code
   * batch}; open axes of one name get one size; the others get {@code size}, by default 224 where
   * there are four axes and 128 elsewhere, except that the second of four is 3 channels.
   *
   * @param given whole shapes by name, which win; {@link ModelInput#DYNAMIC} in them is {@code
   *     batch}; names that the model lacks are passed over
   * @throws DataException if a given shape does not fit what the model declares, or the model fixes
   *     its batch at another size
   */
  public static Map<String, int[]> shapes(
      Graph graph, Map<String, List<Long>> given, int batch, OptionalInt size) {
    Map<String, Integer> symbols = new HashMap<>();
    Map<String, int[]> shapes = new LinkedHashMap<>();
    for (ModelInput input : ModelInputs.of(graph)) {
      List<Long> whole = given.get(input.name());
      int[] shape =
          whole == null
              ? open(graph.value(input.name()), input, symbols, batch, size)
              : given(input, whole, batch);
      shapes.put(input.name(), shape);
    }
    return shapes;
  }

  private static int[] given(ModelInput input, List<Long> whole, int batch) {
    boolean fits = whole.size() == input.rank();
    for (int axis = 0; fits && axis < input.rank(); axis++) {
      long declared = input.dims().get(axis);
      long wanted = whole.get(axis) == ModelInput.DYNAMIC ? batch : whole.get(axis);
      fits = declared == ModelInput.DYNAMIC || declared == wanted;
    }
    if (!fits) {
      throw new DataException(
          "model input '"
              + input.name()
              + "' is declared with the sizes "
              + sizes(input.dims())
              + ", which "
              + sizes(whole)
              + " does not fit");
    }
    return whole.stream()
        .mapToInt(wanted -> wanted == ModelInput.DYNAMIC ? batch : Math.toIntExact(wanted))
        .toArray();
  }

  private static String sizes(List<Long> dims) {
    return dims.stream().map(d -> d == ModelInput.DYNAMIC ? "n" : d.toString()).toList().toString();
  }

  private static int[] open(
      @Nullable Value value,
      ModelInput input,
      Map<String, Integer> symbols,
      int batch,
      OptionalInt size) {
    List<Dimension> declared = value == null ? null : value.shape();
    int[] shape = new int[input.rank()];
    for (int axis = 0; axis < shape.length; axis++) {
      long fixed = input.dims().get(axis);
      int usual =
          axis == 0
              ? batch
              : shape.length == IMAGE_RANK && axis == 1
                  ? IMAGE_CHANNELS
                  : size.orElse(shape.length == IMAGE_RANK ? IMAGE_SIZE : LENGTH);
      if (fixed != ModelInput.DYNAMIC) {
        shape[axis] = Math.toIntExact(fixed);
      } else if (declared != null && declared.get(axis) instanceof Dimension.Symbolic symbol) {
        shape[axis] = symbols.computeIfAbsent(symbol.name(), name -> usual);
      } else {
        shape[axis] = usual;
      }
    }
    return shape;
  }

  /**
   * Random values of the declared types, the same for the same shapes: normal ones for floating
   * point, 0 or 1 for wide integers and truth values, as they may be indices or masks, and any for
   * bytes.
   */
  public static Map<String, HostTensor> random(Graph graph, Map<String, int[]> shapes) {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    for (ModelInput input : ModelInputs.of(graph)) {
      int[] shape = shapes.getOrDefault(input.name(), new int[0]);
      tensors.put(input.name(), random(input.type(), shape, new Random(input.name().hashCode())));
    }
    return tensors;
  }

  private static HostTensor random(ElementType type, int[] shape, Random random) {
    int count = count(shape);
    switch (type) {
      case FLOAT32, FLOAT64 -> {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
          values[i] = (float) random.nextGaussian();
        }
        return HostTensor.ofFloats(shape, values).to(type);
      }
      case INT64, INT32 -> {
        int[] values = new int[count];
        Arrays.setAll(values, i -> random.nextInt(2));
        return HostTensor.ofInts(shape, values).to(type);
      }
      default -> {
        byte[] values = new byte[count];
        random.nextBytes(values);
        if (type == ElementType.BOOL) {
          for (int i = 0; i < count; i++) {
            values[i] &= 1;
          }
        }
        return HostTensor.ofBytes(type, shape, values);
      }
    }
  }

  private static int count(int[] shape) {
    long count = 1;
    for (int size : shape) {
      count *= size;
      if (count > Integer.MAX_VALUE / Double.BYTES) {
        throw new DataException(
            "an input of shape " + Arrays.toString(shape) + " is too large; choose a smaller one");
      }
    }
    return (int) count;
  }
}
