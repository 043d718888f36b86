package dev.octet.workflows.distiller;

import dev.octet.core.yaml.SafeYaml;
import dev.octet.graph.DataType;
import dev.octet.torch.Tensors;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * All that a quantizer was told, as text: enough to make the same quantizer for the same float
 * model again. A model is resumed in this order: the metadata are read, a quantizer made from them
 * prepares the float model, the model's state is loaded, then the optimizer's.
 *
 * @param type the quantizer's class, by simple name
 * @param params its arguments under Distiller's names, as plain data
 * @param dummyInput shapes and types of the inputs that the model was prepared with; null before
 *     that, and if it was prepared without
 */
public record QuantizerMetadata(
    String type, Map<String, @Nullable Object> params, @Nullable List<DummyInput> dummyInput) {

  /**
   * An input that a model can be run on to follow its computation.
   *
   * @param shape with the batch
   */
  public record DummyInput(DataType type, List<Long> shape) {
    static DummyInput of(Tensor tensor) {
      List<Long> sizes = new ArrayList<>();
      for (long size : Tensors.shape(Tensors.check(tensor, "the dummy input"))) {
        sizes.add(size);
      }
      return new DummyInput(Tensors.dataType(Tensors.type(tensor)), List.copyOf(sizes));
    }

    /** Zeros of this shape and type, for the scope around. */
    public Tensor zeros() {
      long[] sizes = shape.stream().mapToLong(Long::longValue).toArray();
      return torch.full(sizes, new Scalar(0), new TensorOptions(Tensors.scalarType(type)));
    }
  }

  public QuantizerMetadata {
    params = Collections.unmodifiableMap(new LinkedHashMap<>(params));
    dummyInput = dummyInput == null ? null : List.copyOf(dummyInput);
  }

  /** The text that {@link #parse} reads. */
  public String toYaml() {
    Map<String, @Nullable Object> data = new LinkedHashMap<>();
    data.put("type", type);
    data.put("params", params);
    if (dummyInput != null) {
      List<Map<String, Object>> inputs = new ArrayList<>();
      for (DummyInput input : dummyInput) {
        Map<String, Object> record = new LinkedHashMap<>();
        record.put("type", input.type().name().toLowerCase(Locale.ROOT));
        record.put("shape", input.shape());
        inputs.add(record);
      }
      data.put("dummy_input", inputs);
    }
    return SafeYaml.write(data);
  }

  /**
   * Reads what {@link #toYaml} wrote.
   *
   * @param origin names the text in messages
   * @throws IllegalArgumentException if it is of another form
   */
  public static QuantizerMetadata parse(String yaml, String origin) {
    Map<String, @Nullable Object> data = SafeYaml.read(yaml, origin);
    if (!(data.get("type") instanceof String type)) {
      throw new IllegalArgumentException(origin + ": there is no 'type' of quantizer");
    }
    Map<String, @Nullable Object> params =
        SafeYaml.section(data.get("params"), origin + ": 'params'");
    if (data.get("dummy_input") == null) {
      return new QuantizerMetadata(type, params, null);
    }
    if (!(data.get("dummy_input") instanceof List<?> list)) {
      throw new IllegalArgumentException(origin + ": 'dummy_input' is no list");
    }
    List<DummyInput> inputs = new ArrayList<>();
    for (Object each : list) {
      Map<String, @Nullable Object> record =
          SafeYaml.section(each, origin + ": an entry of 'dummy_input'");
      if (!(record.get("shape") instanceof List<?> sizes)) {
        throw new IllegalArgumentException(origin + ": a dummy input has no 'shape'");
      }
      List<Long> shape = new ArrayList<>();
      for (Object size : sizes) {
        long value = (long) SafeYaml.number(size, origin + ": a size of a dummy input");
        if (value < 0) {
          throw new IllegalArgumentException(origin + ": a dummy input has the size " + value);
        }
        shape.add(value);
      }
      inputs.add(new DummyInput(dataType(record.get("type"), origin), List.copyOf(shape)));
    }
    return new QuantizerMetadata(type, params, inputs);
  }

  private static DataType dataType(@Nullable Object name, String origin) {
    try {
      return DataType.valueOf(String.valueOf(name).toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          origin + ": a dummy input is of the unknown type " + SafeYaml.kind(name), e);
    }
  }

  /**
   * Checks that these are of a class of quantizers.
   *
   * @throws IllegalArgumentException if not
   */
  public void require(Class<? extends Quantizer> quantizer) {
    if (!type.equals(quantizer.getSimpleName())) {
      throw new IllegalArgumentException(
          "the metadata are of a " + type + ", not of a " + quantizer.getSimpleName());
    }
  }

  /** The bits that held by default. */
  public QBits bits() {
    return new QBits(integer("bits_activations"), integer("bits_weights"), integer("bits_bias"));
  }

  /** The overrides. */
  public Overrides overrides() {
    Object entries = params.get("overrides");
    return entries == null
        ? Overrides.NONE
        : Overrides.fromData(SafeYaml.section(entries, "overrides"), type + "'s metadata");
  }

  /** A whole number, or null if it is absent or null. */
  public @Nullable Integer integer(String name) {
    Object value = params.get(name);
    if (value == null || value instanceof Integer) {
      return (Integer) value;
    }
    throw wrong(name, "a whole number");
  }

  /** A number, or null if it is absent or null. */
  public @Nullable Double real(String name) {
    Object value = params.get(name);
    return value == null ? null : SafeYaml.number(value, type + "'s '" + name + "'");
  }

  /** A flag; false if it is absent. */
  public boolean flag(String name) {
    Object value = params.get(name);
    if (value == null || value instanceof Boolean) {
      return Boolean.TRUE.equals(value);
    }
    throw wrong(name, "true or false");
  }

  /** A text, or null if it is absent or null. */
  public @Nullable String text(String name) {
    Object value = params.get(name);
    if (value == null || value instanceof String) {
      return (String) value;
    }
    throw wrong(name, "a text");
  }

  private IllegalArgumentException wrong(String name, String wanted) {
    return new IllegalArgumentException(
        type + "'s '" + name + "' is " + SafeYaml.kind(params.get(name)) + ", not " + wanted);
  }
}
