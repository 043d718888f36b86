package dev.octet.torch.script;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Python's lists and dictionaries, and the operators that only handle references. */
final class Lists {

  private Lists() {}

  /** The results of operator {@code name}, or null if it is none of these. */
  static @Nullable List<Object> apply(String name, List<Object> arguments) {
    switch (name) {
      case "__is__":
        return List.of(same(arguments.get(0), arguments.get(1)));
      case "__isnot__":
        return List.of(!same(arguments.get(0), arguments.get(1)));
      case "warn":
        return List.of();
      default:
        break;
    }
    if (arguments.isEmpty()) {
      return null;
    }
    if (arguments.get(0) instanceof Map<?, ?>) {
      @SuppressWarnings("unchecked") // maps are made here only, with these types
      Map<Object, Object> map = (Map<Object, Object>) arguments.get(0);
      return ofMap(name, map, arguments);
    }
    if (arguments.get(0) instanceof List<?>) {
      @SuppressWarnings("unchecked") // so are lists
      List<Object> list = (List<Object>) arguments.get(0);
      return ofList(name, list, arguments);
    }
    return null;
  }

  private static boolean same(Object a, Object b) {
    if (a == ScriptValue.None.NONE || b == ScriptValue.None.NONE) {
      return a == b;
    }
    return a instanceof TracedTensor ? a == b : Objects.equals(a, b);
  }

  /** A position in a list of {@code size} items; negative ones count from the end. */
  static int index(Object position, int size) {
    if (position instanceof Long at) {
      long index = at < 0 ? at + size : at;
      if (index >= 0 && index < size) {
        return (int) index;
      }
    }
    throw new TorchScriptException(
        "the script reads item " + position + " of a list of " + size + " on the example inputs");
  }

  private static @Nullable List<Object> ofList(
      String name, List<Object> list, List<Object> arguments) {
    switch (name) {
      case "append":
        list.add(arguments.get(1));
        return List.of(list);
      case "extend", "add_":
        list.addAll(new ArrayList<>((List<?>) arguments.get(1)));
        return name.equals("extend") ? List.of() : List.of(list);
      case "insert":
        int at = (int) Math.max(0, Math.min(list.size(), (Long) arguments.get(1)));
        list.add(at, arguments.get(2));
        return List.of();
      case "pop":
        Object position = arguments.size() > 1 ? arguments.get(1) : Long.valueOf(-1);
        return List.of(list.remove(index(position, list.size())));
      case "clear":
        list.clear();
        return List.of();
      case "reverse":
        Collections.reverse(list);
        return List.of();
      case "copy", "list":
        return List.of(new ArrayList<>(list));
      case "len":
        return List.of((long) list.size());
      case "__getitem__":
        return List.of(list.get(index(arguments.get(1), list.size())));
      case "_set_item":
        list.set(index(arguments.get(1), list.size()), arguments.get(2));
        return List.of(list);
      case "add":
        List<Object> joined = new ArrayList<>(list);
        joined.addAll((List<?>) arguments.get(1));
        return List.of(joined);
      case "slice":
        return List.of(slice(list, arguments));
      default:
        return null;
    }
  }

  private static List<Object> slice(List<Object> list, List<Object> arguments) {
    int size = list.size();
    long step = arguments.size() > 3 && arguments.get(3) instanceof Long s ? s : 1;
    long start = bound(arguments.get(1), 0, size);
    long end = bound(arguments.get(2), size, size);
    if (step < 1) {
      throw new TorchScriptException("the script slices a list by " + step);
    }
    List<Object> items = new ArrayList<>();
    for (long i = start; i < end; i += step) {
      items.add(list.get((int) i));
    }
    return items;
  }

  private static long bound(Object given, long otherwise, int size) {
    if (!(given instanceof Long value)) {
      return otherwise;
    }
    return Math.max(0, Math.min(size, value < 0 ? value + size : value));
  }

  private static @Nullable List<Object> ofMap(
      String name, Map<Object, Object> map, List<Object> arguments) {
    switch (name) {
      case "__getitem__":
        Object found = map.get(arguments.get(1));
        if (found == null) {
          throw new TorchScriptException(
              "the script reads '" + arguments.get(1) + "' of a dictionary without it");
        }
        return List.of(found);
      case "get":
        Object otherwise = arguments.size() > 2 ? arguments.get(2) : ScriptValue.None.NONE;
        return List.of(map.getOrDefault(arguments.get(1), otherwise));
      case "_set_item":
        map.put(arguments.get(1), arguments.get(2));
        return List.of();
      case "__contains__":
        return List.of(map.containsKey(arguments.get(1)));
      case "len":
        return List.of((long) map.size());
      case "keys":
        return List.of(new ArrayList<>(map.keySet()));
      case "values":
        return List.of(new ArrayList<>(map.values()));
      case "items":
        List<Object> items = new ArrayList<>();
        map.forEach((key, value) -> items.add(new ScriptValue.Tuple(List.of(key, value))));
        return List.of(items);
      default:
        return null;
    }
  }
}
