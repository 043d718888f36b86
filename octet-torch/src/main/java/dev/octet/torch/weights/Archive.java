package dev.octet.torch.weights;

import dev.octet.torch.weights.PickleValue.Storage;
import dev.octet.torch.weights.PickleValue.Tuple;
import java.util.Map;

/**
 * A checkpoint whose pickle is read and whose elements still lie in the file.
 *
 * @param root what the pickle built
 * @param storages where the elements of each storage lie, by key
 */
record Archive(Object root, Map<String, Range> storages) {
  /** Bytes of the file. */
  record Range(long offset, long length) {}

  /** The storage that {@code ("storage", type, key, location, elements)} names. */
  static Storage storage(Tuple id) {
    String user = "a reference to data";
    String kind = id.get(0, String.class, user);
    if (!kind.equals("storage")) {
      throw new WeightsException(
          "the pickle refers to a '" + kind + "'; whole models are not read, only their weights");
    }
    if (id.size() > 5 && id.items().get(5) != PickleValue.None.NONE) {
      throw new WeightsException(
          "the file holds views of storages, as torch wrote them before 0.4; load it there and"
              + " save it again");
    }
    PickleValue.ElementType type = id.get(1, PickleValue.ElementType.class, user);
    String key = id.get(2, String.class, user);
    long elements = id.get(4, Long.class, user);
    if (elements < 0) {
      throw new WeightsException("storage '" + key + "' has " + elements + " elements");
    }
    try {
      return new Storage(key, type.type(), type.type().sizeBytes(elements));
    } catch (ArithmeticException overflow) {
      throw new WeightsException(
          "storage '" + key + "' has " + elements + " elements, more than can be counted",
          overflow);
    }
  }
}
