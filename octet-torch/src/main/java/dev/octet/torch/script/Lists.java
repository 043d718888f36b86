package dev.octet.torch.script;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Python's lists and dictionaries, and the operators that only handle references. */
final class Lists {

  private Lists() {}

  /** The results of operator {@code name}, or null if it is none of these. */
  static @Nullable List<Object> apply(String name, List<Object> arguments) {
    if (name.equals("__is__") || name.equals("__isnot__")) {
      return List.of(same(arguments.get(0), arguments.get(1)) == name.equals("__is__"));
    }
    if (name.equals("warn")) {
      return List.of();
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
      case "append" -> list.add(arguments.get(1));
      case "extend", "add_" -> list.addAll(new ArrayList<>((List<?>) arguments.get(1)));
      case "insert" -> {
        int at = (int) Math.max(0, Math.min(list.size(), (Long) arguments.get(1)));
        list.add(at, arguments.get(2));
      }
      case "clear" -> list.clear();
      case "reverse" -> Collections.reverse(list);
      case "_set_item" -> list.set(index(arguments.get(1), list.size()), arguments.get(2));
      default -> {
        Object read = readOf(name, list, arguments);
        return read == null ? null : List.of(read);
      }
    }
    // Those that return the list itself.
    return Set.of("append", "add_", "_set_item").contains(name) ? List.of(list) : List.of();
  }

  private static @Nullable Object readOf(String name, List<Object> list, List<Object> arguments) {
    return switch (name) {
      case "pop" -> {
        Object position = arguments.size() > 1 ? arguments.get(1) : Long.valueOf(-1);
        yield list.remove(index(position, list.size()));
      }
      case "copy", "list" -> new ArrayList<>(list);
      case "len" -> (long) list.size();
      case "__getitem__" -> list.get(index(arguments.get(1), list.size()));
      case "add" -> {
        List<Object> joined = new ArrayList<>(list);
        joined.addAll((List<?>) arguments.get(1));
        yield joined;
      }
      case "slice" -> slice(list, arguments);
      default -> null;
    };
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
    return switch (name) {
      case "__getitem__" -> {
        Object found = map.get(arguments.get(1));
        if (found == null) {
          throw new TorchScriptException(
              "the script reads '" + arguments.get(1) + "' of a dictionary without it");
        }
        yield List.of(found);
      }
      case "get" -> {
        Object otherwise = arguments.size() > 2 ? arguments.get(2) : ScriptValue.None.NONE;
        yield List.of(map.getOrDefault(arguments.get(1), otherwise));
      }
      case "_set_item" -> {
        map.put(arguments.get(1), arguments.get(2));
        yield List.of();
      }
      case "__contains__" -> List.of(map.containsKey(arguments.get(1)));
      case "len" -> List.of((long) map.size());
      case "keys" -> List.of(new ArrayList<>(map.keySet()));
      case "values" -> List.of(new ArrayList<>(map.values()));
      case "items" -> {
        List<Object> items = new ArrayList<>();
        map.forEach((key, value) -> items.add(new ScriptValue.Tuple(List.of(key, value))));
        yield List.of(items);
      }
      default -> null;
    };
  }
}
