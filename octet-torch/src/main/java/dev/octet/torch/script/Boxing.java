package dev.octet.torch.script;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.GenericDict;
import org.bytedeco.pytorch.GenericDictIterator;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.ScriptTypeParser;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.Tuple;
import org.bytedeco.pytorch.TupleElements;

/** Takes LibTorch's values apart and puts them together again. */
final class Boxing {
  private static final int MAX_DEPTH = 100;

  private Boxing() {}

  /**
   * The Java form of {@code value}.
   *
   * @param path where it comes from, for names and messages
   * @param owned whether it belongs to the module
   */
  static Object unbox(IValue value, String path, boolean owned) {
    return unbox(value, path, owned, 0);
  }

  private static Object unbox(IValue value, String path, boolean owned, int depth) {
    if (depth > MAX_DEPTH) {
      throw new TorchScriptException("'" + path + "' is nested more than " + MAX_DEPTH + " deep");
    }
    if (value.isNone()) {
      return ScriptValue.None.NONE;
    }
    if (value.isTensor()) {
      Tensor tensor = value.toTensor();
      if (!tensor.defined()) {
        return ScriptValue.None.NONE;
      }
      String fault = NativeTensors.fault(tensor);
      if (fault != null) {
        throw new TorchScriptException(
            (path.isEmpty() ? "a constant" : "'" + path + "'") + " " + fault);
      }
      return new TracedTensor(tensor, path, owned);
    }
    if (value.isBool()) {
      return value.toBool();
    }
    if (value.isInt()) {
      return value.toInt();
    }
    if (value.isDouble()) {
      return value.toDouble();
    }
    if (value.isString()) {
      return text(value.toStringRef());
    }
    if (value.isList()) {
      GenericList list = value.toList();
      List<Object> items = new ArrayList<>();
      for (long i = 0; i < list.size(); i++) {
        items.add(unbox(list.get(i), item(path, i), owned, depth + 1));
      }
      return items;
    }
    if (value.isTuple()) {
      TupleElements elements = value.toTuple().elements();
      List<Object> items = new ArrayList<>();
      for (long i = 0; i < elements.size(); i++) {
        items.add(unbox(elements.at(i), item(path, i), owned, depth + 1));
      }
      return new ScriptValue.Tuple(items);
    }
    if (value.isGenericDict()) {
      return map(value.toGenericDict(), path, owned, depth);
    }
    if (value.isObject()) {
      return new ScriptValue.Instance(value.toObject(), path);
    }
    return new ScriptValue.Opaque(new IValue(value));
  }

  private static Map<Object, Object> map(GenericDict dict, String path, boolean owned, int depth) {
    Map<Object, Object> items = new LinkedHashMap<>();
    GenericDictIterator end = dict.end();
    for (GenericDictIterator i = dict.begin(); !i.equals(end); i.increment()) {
      Object key = unbox(i.access().key(), path, owned, depth + 1);
      items.put(key, unbox(i.access().value(), path + "." + key, owned, depth + 1));
    }
    return items;
  }

  private static String item(String path, long index) {
    return path.isEmpty() ? "" : path + "." + index;
  }

  /**
   * The native form of {@code value}.
   *
   * @param type what the script declares it to be, as LibTorch prints it: it decides the element
   *     type of an empty list
   */
  static IValue box(Object value, String type) {
    if (value instanceof TracedTensor tensor) {
      return new IValue(tensor.nativeTensor());
    }
    if (value instanceof Boolean flag) {
      return new IValue(flag.booleanValue());
    }
    if (value instanceof Long number) {
      return new IValue(number.longValue());
    }
    if (value instanceof Double number) {
      return new IValue(number.doubleValue());
    }
    if (value instanceof String text) {
      return new IValue(text);
    }
    if (value == ScriptValue.None.NONE) {
      return new IValue();
    }
    if (value instanceof ScriptValue.Opaque opaque) {
      return new IValue(opaque.value());
    }
    if (value instanceof List<?> items) {
      String element = elementType(items, type);
      GenericList list = new GenericList(new ScriptTypeParser().parseType(annotation(element)));
      for (Object item : items) {
        list.push_back(box(item, element));
      }
      return new IValue(list);
    }
    if (value instanceof ScriptValue.Tuple tuple) {
      IValueVector items = new IValueVector();
      for (Object item : tuple.items()) {
        items.push_back(box(item, ""));
      }
      return new IValue(Tuple.create(items));
    }
    throw new Call.Refusal("takes a value of a kind that is not supported");
  }

  private static String elementType(List<?> items, String type) {
    String list = type.endsWith("?") ? type.substring(0, type.length() - 1) : type;
    if (list.endsWith("[]")) {
      return list.substring(0, list.length() - 2);
    }
    Object first = items.isEmpty() ? ScriptValue.None.NONE : items.get(0);
    return first instanceof Long
        ? "int"
        : first instanceof Double
            ? "float"
            : first instanceof Boolean ? "bool" : first instanceof String ? "str" : "Tensor";
  }

  /** What LibTorch prints as {@code int[]?} reads {@code Optional[List[int]]} in source. */
  private static String annotation(String printed) {
    if (printed.endsWith("?")) {
      return "Optional[" + annotation(printed.substring(0, printed.length() - 1)) + "]";
    }
    if (printed.endsWith("[]")) {
      return "List[" + annotation(printed.substring(0, printed.length() - 2)) + "]";
    }
    return switch (printed) {
      case "int", "float", "bool", "str", "Tensor" -> printed;
      default -> throw new Call.Refusal("takes a list of " + printed);
    };
  }

  /** A native text; LibTorch's empty ones may be null. */
  static String text(org.bytedeco.javacpp.@org.jspecify.annotations.Nullable BytePointer text) {
    return text == null || text.isNull() ? "" : text.getString();
  }
}
