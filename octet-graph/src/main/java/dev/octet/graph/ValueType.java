package dev.octet.graph;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a model declares about a value: a tensor's element type and shape, or a kind kept unread.
 */
public sealed interface ValueType {

  /**
   * A dense tensor.
   *
   * @param elementType the type of its elements, or null where the file does not say
   * @param shape its dimensions, or null where not even the rank is known
   */
  record TensorType(@Nullable DataType elementType, @Nullable List<Dimension> shape)
      implements ValueType {
    public TensorType {
      shape = shape == null ? null : List.copyOf(shape);
    }

    @Override
    public String toString() {
      return (elementType == null ? "?" : elementType.name().toLowerCase(Locale.ROOT))
          + (shape == null ? "[...]" : shape.toString());
    }
  }

  /** A sequence, map, optional or sparse tensor: its encoded {@code TypeProto}, kept as it was. */
  record Opaque(Bytes encoded) implements ValueType {
    @Override
    public String toString() {
      return "a type other than a dense tensor";
    }
  }
}
