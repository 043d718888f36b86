package dev.octet.torch.script;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.Obj;

/**
 * What a TorchScript value can be while a module is converted, beside Java's own {@code Long},
 * {@code Double}, {@code Boolean}, {@code String}, {@code List} (mutable, shared as in the script)
 * and {@code Map}.
 */
sealed interface ScriptValue {

  /** Python's {@code None}. */
  enum None implements ScriptValue {
    NONE
  }

  /** A tuple. */
  record Tuple(List<Object> items) implements ScriptValue {
    public Tuple {
      items = List.copyOf(items);
    }
  }

  /** A module or another object, at {@code path} of the root module. */
  record Instance(Obj object, String path) implements ScriptValue {}

  /** Something only LibTorch looks into: a device, a dtype with a name, an enumeration. */
  record Opaque(IValue value) implements ScriptValue {}

  /** The result of an operator that cannot be converted; the reason is on record. */
  enum Unknown implements ScriptValue {
    UNKNOWN
  }

  /** Every tensor in {@code value}, depth first. */
  static List<TracedTensor> tensors(Object value) {
    List<TracedTensor> found = new ArrayList<>();
    collect(value, found);
    return found;
  }

  /** Whether {@code value} is or holds {@link Unknown}. */
  static boolean isUnknown(Object value) {
    if (value instanceof List<?> items) {
      return items.stream().anyMatch(item -> isUnknown(item));
    }
    if (value instanceof Tuple tuple) {
      return isUnknown(tuple.items());
    }
    if (value instanceof Map<?, ?> map) {
      return map.values().stream().anyMatch(item -> isUnknown(item));
    }
    return value == Unknown.UNKNOWN;
  }

  private static void collect(Object value, List<TracedTensor> found) {
    if (value instanceof TracedTensor tensor) {
      found.add(tensor);
    } else if (value instanceof List<?> items) {
      items.forEach(item -> collect(item, found));
    } else if (value instanceof Tuple tuple) {
      collect(tuple.items(), found);
    } else if (value instanceof Map<?, ?> map) {
      map.values().forEach(item -> collect(item, found));
    }
  }
}
