package dev.octet.torch.weights;

import dev.octet.graph.Bytes;
import dev.octet.graph.Tensor;
import dev.octet.torch.weights.Archive.Range;
import dev.octet.torch.weights.PickleValue.Callable;
import dev.octet.torch.weights.PickleValue.ElementType;
import dev.octet.torch.weights.PickleValue.None;
import dev.octet.torch.weights.PickleValue.NumpyArray;
import dev.octet.torch.weights.PickleValue.Parameter;
import dev.octet.torch.weights.PickleValue.Tuple;
import dev.octet.torch.weights.PickleValue.View;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns what a pickle built into maps, lists, numbers, text and tensors, and loads the tensors that
 * are asked for.
 *
 * <p>A pickle can make a value part of itself, or share values so that few bytes stand for a tree
 * of any size. The first is refused, the second where a walk over the tree would visit more than
 * {@value #MAX_VALUES} values.
 */
final class PlainTree {
  private static final int MAX_DEPTH = 100;
  private static final long MAX_VALUES = 10_000_000;

  /** A finished part and how many values a walk over it visits. */
  private record Part(@Nullable Object value, long visits) {}

  private final Archive archive;
  private final WeightFile file;
  private final MemoryBudget budget;
  private final Map<String, ByteBuffer> storages = new HashMap<>();
  private final IdentityHashMap<Object, Part> finished = new IdentityHashMap<>();

  PlainTree(Archive archive, WeightFile file, MemoryBudget budget) {
    this.archive = archive;
    this.file = file;
    this.budget = budget;
  }

  /** The whole tree. */
  @Nullable Object all() throws IOException {
    return part(archive.root(), 0).value();
  }

  /** The tensors of one map that {@link #isTensor} holds for throughout. */
  Map<String, Tensor> tensors(Map<?, ?> stateDict) throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : stateDict.entrySet()) {
      tensors.put((String) entry.getKey(), tensor(entry.getValue()));
    }
    return Collections.unmodifiableMap(tensors);
  }

  static boolean isTensor(Object value) {
    return value instanceof View || value instanceof Parameter || value instanceof NumpyArray;
  }

  private Part part(Object value, int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw new WeightsException(
          "values lie in each other more than " + MAX_DEPTH + " deep, or one holds itself");
    }
    Part former = finished.get(value);
    if (former == null) {
      former = make(value, depth);
      finished.put(value, former);
    }
    return former;
  }

  private Part make(Object value, int depth) throws IOException {
    if (value instanceof Map<?, ?> map) {
      return map(map, depth);
    } else if (value instanceof List<?> list) {
      return list(list, depth);
    } else if (value instanceof Tuple tuple) {
      return list(tuple.items(), depth);
    } else if (isTensor(value)) {
      return new Part(tensor(value), 1);
    } else if (value instanceof ElementType type) {
      return new Part(type.name(), 1);
    } else if (value instanceof Callable callable) {
      return new Part(callable.name(), 1);
    } else if (value == None.NONE) {
      return new Part(null, 1);
    } else if (value instanceof String
        || value instanceof Number
        || value instanceof Boolean
        || value instanceof Bytes) {
      return new Part(value, 1);
    }
    throw new WeightsException(
        "a " + value.getClass().getSimpleName() + " is stored on its own; save tensors instead");
  }

  private Part map(Map<?, ?> map, int depth) throws IOException {
    Map<Object, @Nullable Object> result = new LinkedHashMap<>();
    long visits = 1;
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      Part part = part(entry.getValue(), depth + 1);
      result.put(entry.getKey(), part.value());
      visits = counted(visits + 1 + part.visits());
    }
    return new Part(Collections.unmodifiableMap(result), visits);
  }

  private Part list(Collection<?> items, int depth) throws IOException {
    List<@Nullable Object> result = new ArrayList<>(items.size());
    long visits = 1;
    for (Object item : items) {
      Part part = part(item, depth + 1);
      result.add(part.value());
      visits = counted(visits + part.visits());
    }
    return new Part(Collections.unmodifiableList(result), visits);
  }

  private static long counted(long visits) {
    if (visits > MAX_VALUES) {
      throw new WeightsException(
          "the file unfolds to more than " + MAX_VALUES + " values; weights do not need so many");
    }
    return visits;
  }

  private Tensor tensor(Object value) throws IOException {
    if (value instanceof NumpyArray array) {
      return array.tensor();
    }
    View view = value instanceof Parameter parameter ? parameter.tensor() : (View) value;
    ByteBuffer elements = Strided.rowMajor(view, storage(view), budget);
    return Shapes.tensor(
        view.type(), view.shape(), elements, "a tensor of " + view.type() + view.shape());
  }

  private ByteBuffer storage(View view) throws IOException {
    String key = view.storage().key();
    ByteBuffer former = storages.get(key);
    if (former != null) {
      return former;
    }
    String where = "storage '" + key + "'";
    Range range = archive.storages().get(key);
    if (range == null) {
      throw new WeightsException(where + " is not in the file; it is damaged");
    }
    ByteBuffer elements = file.read(range.offset(), range.length(), where, budget);
    storages.put(key, elements);
    return elements;
  }
}
